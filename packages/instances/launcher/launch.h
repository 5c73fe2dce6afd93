// What one launch knows while its plan runs. The process changes along the way (supervisor, init, main process), the
// list of steps goes on: CLONE leaves the supervisor behind in its loop, INIT leaves the reaper behind, EXEC ends it.
#pragma once
#include "plan.h"

enum role { ROLE_SUPERVISOR, ROLE_INIT, ROLE_MAIN };

struct launch {
  struct plan plan;
  u32 next; // index of the step that runs
  u32 role;
  u32 id;    // the number the daemon gave this launch
  i32 reply; // socket or pipe to whoever asked for the launch, -1 when there is none any more
  i32 slots[SLOTS];
  i32 child;   // in the supervisor: the cloned process
  i32 status;  // in the children: write end of the pipe that closes by itself when exec succeeds
  i32 channel; // in the children: socket to the supervisor
  i32 stdio[3];
  i32 terminal; // session with a terminal: its inner end becomes the controlling terminal
};

extern struct launch launch;
extern u8 plan_buffer[PLAN_MAX];

// ---- run.c ----
void run_plan(u32 from) __attribute__((noreturn));
void fail_step(u32 step, i32 error) __attribute__((noreturn));
long perform(const struct step *step);
i32 slot_fd(u32 slot);            // -EBADF when empty
long fill_slot(u32 slot, long fd); // closes what was there; passes errors through
void close_slots(void);

// What children tell the supervisor through launch.status.
enum status_kind { STATUS_FAILED = 1, STATUS_EXECUTING = 2, STATUS_WAITING = 3, STATUS_STANDING_BY = 4 };
struct status {
  u32 kind;
  u32 step;
  i32 error;
  u32 role;
};
void tell_status(u32 kind, u32 step, i32 error);

// ---- records.c: what the daemon reads ----
enum reply_kind { REPLY_STARTED = 1, REPLY_FAILED = 2, REPLY_REFUSED = 3, REPLY_WAITING = 4, REPLY_READY = 5 };
#define REPLY_MAGIC 0x4c505243u // "CRPL"
// A process and the clock tick since boot at which it began: together they never repeat. 0: there is none.
struct stamp {
  u64 pid, ticks;
};
struct reply {
  u32 magic;
  u32 launch;
  u32 kind;
  u32 step;
  i32 error;
  u32 role;
  struct stamp supervisor, init, main; // as in the pid file
  u64 started_realtime_ns;
};
_Static_assert(sizeof(struct reply) == 80, "the reader counts on 80 bytes");
void fill_reply(struct reply *reply, u32 kind, u32 step, i32 error, u32 role);

// ---- steps, by file ----
long step_open(const struct step *step);           // files.c
long step_write_file(const struct step *step);
long step_write_slot(const struct step *step);
long step_ask(const struct step *step);
long step_receive(const struct step *step);
long step_copy(const struct step *step);
long step_symlink(const struct step *step);
long step_mknod(const struct step *step);
long step_inherit(const struct step *step);
long step_mount(const struct step *step);          // mounts.c
long step_tree(const struct step *step);
long step_tree_attributes(const struct step *step);
long step_place(const struct step *step);
long step_pivot(const struct step *step);
long step_leave_old_root(void);
long step_image(const struct step *step);          // image.c
long step_new_user(const struct step *step);       // privileges.c
long step_rlimit(const struct step *step);
long step_bounding(const struct step *step);
long step_capabilities(const struct step *step);
long step_ids(const struct step *step);
long step_seccomp(const struct step *step);
long step_scope(const struct step *step);
long step_netlink(const struct step *step);        // netlink.c
long step_clone(const struct step *step);          // processes.c
long step_init(void);
long step_wait_parent(void);
long step_wait_plan(void);
long step_stand_by(const struct step *step);       // standby.c
long step_tell(const struct step *step);
long step_join(const struct step *step);
long new_process(u64 flags, i32 cgroup, i32 *pidfd); // processes.c
long step_open_process(const struct step *step);
long step_enter(const struct step *step);
long step_exec(const struct step *step);
long step_supervise(const struct step *step);      // supervise.c
long step_kill_with(const struct step *step);
long step_log(const struct step *step);            // log.c
long step_session(const struct step *step);        // session.c
long step_pty(const struct step *step);

long stat_field(i32 pid, int field, u64 *value); // a number of /proc/<pid>/stat (proc(5)), from the third field on
#define STAT_START 22     // when the process began, in clock ticks since boot
#define STAT_PROCESSOR 39 // where it was last

// ---- turns.c: whom the kernel lets run, and where. For speed alone: what it refuses stays as it was. ----
// Daemon and supervisors work for microseconds at a time, and whoever waits for a start waits for those. Asking for a short
// slice lets them in front of a program that computes on the same processor (Linux 6.12 and newer), with no larger share.
void take_short_turns(i32 pid); // 0: this process
void take_first_turns(void);    // nobody that computes comes before this process
void take_usual_turns(void);    // as before that, on any processor as before
void note_processors(i32 program);        // those that it may have now
long keep_apart(i32 program, i32 daemon); // notes them; it wakes up where the daemon does not work just now
void stay_on(long processor);             // until this process takes usual turns
void let_anywhere(i32 program);           // it may have again what was noted

long set_capabilities(u64 mask);
void default_signals(void);
void become_usual(void); // processes.c: in a slot, what it waited with is not the program's
void run_sealed(char **argv, char **env); // sealed.c
long limit_folder(const char *path, u32 wanted_project, u64 bytes, int is_empty); // project.c
u32 landlock_version(void);               // privileges.c; 0 where there is none
