// The supervisor of one instance: stays outside its namespaces, survives the daemon, pumps the logs, obeys the control
// FIFO, and leaves a record of how the instance ended.
#pragma once
#include "launch.h"

#include <linux/signal.h>

enum phase {
  PHASE_PREPARING, // before CLONE
  PHASE_STARTING,  // the children run their steps
  PHASE_WAITING,   // a warm slot: everything is ready but the command is not known yet
  PHASE_RUNNING,   // exec succeeded
  PHASE_ENDING,    // the main process is gone, its descendants are being cleared
};

struct supervisor {
  u32 phase;
  u32 step; // the SUPERVISE step, for errors of what it began
  i32 dir; // the instance folder, by descriptor: the daemon may rename a slot's folder
  i32 lock, life, control, signals;
  i32 status, channel; // read end of the status pipe; our end of the channel
  i32 main_process;    // pidfd of the main process, from init
  i32 kill_file;       // KILL_WITH
  u32 kill_kind;
  u32 flags;
  u32 start_timeout_ms;
  u64 deadline_ns; // of the start
  i32 main_pid;    // as this machine counts, 0 until known
  u32 pending_signal;
  u32 killed; // by the control FIFO or because the start took too long
  u32 executing, executed; // exec was announced; it succeeded
  u32 has_init;
  u32 standing_by; // the program that was executed is a warm one
  struct status failure; // kind 0: none
  // how it ended
  i32 code, value; // si_code and si_status of the main process; code 0: not known yet
  u64 started_realtime_ns, started_ns;
};

extern struct supervisor supervisor;

#define CAP_KILL 5
#define SUPERVISE_NO_PID_NAMESPACE 1 // descendants are adopted and killed one by one, init does not exist

enum channel_kind { CHANNEL_GO = 1, CHANNEL_MAIN = 2, CHANNEL_ENDED = 3, CHANNEL_PLAN = 4, CHANNEL_WARM = 5, CHANNEL_PAPER = 6, CHANNEL_ROUSE = 7 };
struct channel_message {
  u32 kind;
  i32 code;
  i32 value;
  u32 count;
  u8 slots[SLOTS];
};

void supervisor_failed(u32 step, i32 error) __attribute__((noreturn)); // supervise.c
void supervise(void) __attribute__((noreturn));
void set_title(const char *what, const char *whom); // launcher.c: what `ps` shows
long show_title(const char *whom); // TITLE: of a supervisor that was there before its instance
void hear_status(void);
void hear_channel(void);
void running(void); // from here on the program is on its own
// standby.c: a warm program wakes up, and gets what to run
void rouse(i32 daemon);
void begin(u32 from);
void forget_supervisor(void); // in the child: closes everything that is the supervisor's

// ---- ending.c ----
void kill_main(u32 signal);
void kill_everything(void);
int reap(void);                                       // 1 when no child is left
void finish(void) __attribute__((noreturn));          // records and leaves
void resolve_main(i32 pidfd);

// ---- control.c ----
void obey(void);
void hand_over(i32 daemon);

// ---- records.c ----
void answer(u32 kind, u32 step, i32 error, u32 role); // sends a reply, or keeps it until the socket takes it
int answer_pending(void);
void answer_again(void);
void write_pid_file(void);
void write_exit_record(const void *usage, u64 dropped);

// ---- log.c ----
extern i32 log_streams[2];
long log_begin(void); // opens the file of the LOG step, whose number is log_step()
u32 log_step(void);
void log_forget(void);      // in the child
void log_read(int stream, u32 limit_bytes);
void log_idle(void);        // poll timed out: pass on unfinished lines, give memory back
int log_restless(void);     // wants a timeout
int log_rest_ms(void);      // so long nothing is to be read; 0: it may
void log_close(void);
u64 log_dropped(void);

// ---- session.c ----
int session_active(void);
void run_session(void) __attribute__((noreturn));
void session_failed(u32 step, i32 error) __attribute__((noreturn));
