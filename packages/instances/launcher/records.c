// What the daemon reads: replies to a launch, the `pid` file that lets a later daemon adopt, the exit record in the
// `exit` file and the `life` FIFO. Layouts: src/launch/records/.
#include "supervise.h"

#include <linux/fcntl.h>
#include <linux/resource.h>

#include "socket.h"

// ---- the processes ----

// Read once for each: a process keeps its number and its beginning, and what waits has all the time.
static struct stamp itself, init, main_program;

static void look(struct stamp *stamp, i32 pid) {
  if (stamp->pid == (u64)pid) return;
  *stamp = (struct stamp){0, 0};
  if (pid <= 0) return;
  stamp->pid = (u64)pid;
  if (failed(stat_field(pid, STAT_START, &stamp->ticks))) stamp->ticks = 0;
}

static void look_at_processes(void) {
  const i32 child = launch.child;
  const int is_init = supervisor.main_process >= 0;
  look(&itself, (i32)sys(getpid));
  look(&init, is_init ? child : 0);
  look(&main_program, is_init ? supervisor.main_pid : child);
}

// ---- replies ----

static struct reply reply;
static u32 pending;

void fill_reply(struct reply *out, u32 kind, u32 step, i32 error, u32 role) {
  zero(out, sizeof *out);
  out->magic = REPLY_MAGIC;
  out->launch = launch.id;
  out->kind = kind;
  out->step = step;
  out->error = error;
  out->role = role;
  out->supervisor = itself;
  out->init = init;
  out->main = main_program;
  out->started_realtime_ns = supervisor.started_realtime_ns;
}

void answer(u32 kind, u32 step, i32 error, u32 role) {
  if (launch.reply < 0) return;
  fill_reply(&reply, kind, step, error, role);
  pending = 1;
  answer_again();
}

int answer_pending(void) { return (int)pending; }

// A reply fits into one socket buffer, so replies of several supervisors never mix. When the socket is full the
// reply waits in the poll loop: a daemon that does not read must not stop the logs.
void answer_again(void) {
  if (!pending) return;
  long done = sys(sendto, launch.reply, &reply, sizeof reply, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
  if (done == -ENOTSOCK) done = sys(write, launch.reply, &reply, sizeof reply);
  if (done == -EAGAIN || done == -EINTR) return;
  pending = 0;
  if (reply.kind != REPLY_WAITING) close_fd(launch.reply), launch.reply = -1;
}

// ---- the pid file ----

static char *pid_line(char *end, const char *name, const struct stamp *stamp) {
  if (!stamp->pid) return end;
  end = put_number(put_text(put_text(end, name), " "), stamp->pid, 1);
  return put_text(put_number(put_text(end, " "), stamp->ticks, 1), "\n");
}

// Lines "name pid startTicks"; "end" shows that the file is whole. What waits keeps the file open, and writes over it
// when it begins: making it anew costs ten times as much. Whoever reads meanwhile finds no end, and looks again.
void write_pid_file(void) {
  char text[256], *end = text;
  static i32 kept = -1;
  static long before;
  look_at_processes();
  end = pid_line(end, "supervisor", &itself);
  end = pid_line(end, "init", &init);
  end = pid_line(end, "main", &main_program);
  end = put_text(put_number(put_text(end, "started "), supervisor.started_realtime_ns, 1), "\n");
  end = put_text(end, "end\n");
  if (kept < 0) kept = (i32)sys(openat, supervisor.dir, "pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (failed(kept)) return;
  if (end - text < before) sys(ftruncate, kept, 0);
  retry(sys(pwrite64, kept, text, before = end - text, 0));
  if (supervisor.phase == PHASE_WAITING) return;
  close_fd(kept), kept = -1;
}

// ---- the exit record ----

#define EXIT_MAGIC 0x54495843u // "CXIT"
#define EXIT_KILLED 1          // flags: the control FIFO asked for it

struct exit_record {
  u32 magic;
  u16 version;
  u16 kind; // 1 ended, 2 the start failed
  i32 code; // si_code (sigaction(2)): 1 exited, 2 killed, 3 dumped core
  i32 value;
  u64 ended_realtime_ns, ended_ns, started_realtime_ns, started_ns;
  u64 user_us, system_us, max_rss_bytes;
  u64 minor_faults, major_faults, read_blocks, written_blocks;
  u64 dropped_log_bytes;
  u32 step;
  i32 error;
  u32 role;
  u32 flags;
};
_Static_assert(sizeof(struct exit_record) == 128, "the reader counts on 128 bytes");

void write_exit_record(const void *resource_usage, u64 dropped) {
  const struct rusage *usage = resource_usage;
  const struct exit_record record = {
      .magic = EXIT_MAGIC,
      .version = 1,
      .kind = supervisor.failure.kind ? 2 : 1,
      .code = supervisor.code,
      .value = supervisor.value,
      .ended_realtime_ns = clock_ns(REALTIME),
      .ended_ns = clock_ns(MONOTONIC),
      .started_realtime_ns = supervisor.started_realtime_ns,
      .started_ns = supervisor.started_ns,
      .user_us = (u64)usage->ru_utime.tv_sec * 1000000 + (u64)usage->ru_utime.tv_usec,
      .system_us = (u64)usage->ru_stime.tv_sec * 1000000 + (u64)usage->ru_stime.tv_usec,
      .max_rss_bytes = (u64)usage->ru_maxrss * 1024,
      .minor_faults = (u64)usage->ru_minflt,
      .major_faults = (u64)usage->ru_majflt,
      .read_blocks = (u64)usage->ru_inblock,
      .written_blocks = (u64)usage->ru_oublock,
      .dropped_log_bytes = dropped,
      .step = supervisor.failure.step,
      .error = supervisor.failure.error,
      .role = supervisor.failure.role,
      .flags = supervisor.killed ? EXIT_KILLED : 0,
  };
  const long fd = sys(openat, supervisor.dir, "exit.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (!failed(fd)) {
    const long written = write_all((i32)fd, &record, sizeof record);
    close_fd((i32)fd);
    if (!failed(written)) sys(renameat2, supervisor.dir, "exit.new", supervisor.dir, "exit", 0);
  }
  // Whoever reads the record from the FIFO finds the folder free: the control FIFO has no reader, the lock is gone.
  close_fd(supervisor.control), supervisor.control = -1;
  sys(flock, supervisor.lock, 8 /* LOCK_UN */);
  sys(write, supervisor.life, &record, sizeof record); // nobody may be listening
}
