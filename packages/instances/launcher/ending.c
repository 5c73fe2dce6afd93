// How an instance ends: signals to its main process, the death of its whole tree, reaping, the final record.
#include "supervise.h"

#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/wait.h>

#define SIGKILL_NUMBER 9

void kill_main(u32 signal) {
  if (supervisor.main_process >= 0) sys(pidfd_send_signal, supervisor.main_process, signal, NULL, 0);
  else if (supervisor.phase == PHASE_RUNNING && launch.child > 0) sys(kill, launch.child, signal);
  else supervisor.pending_signal = signal; // not there yet
}

// Kills every process whose number stands in a list file, as /proc/…/children and a v1 cgroup's tasks are.
static void kill_listed(i32 fd) {
  char list[4096];
  usize kept = 0;
  sys(lseek, fd, 0, 0);
  for (;;) {
    const long got = retry(sys(read, fd, list + kept, sizeof list - 1 - kept));
    if (got <= 0) break;
    usize length = kept + (usize)got, whole = length;
    while (whole && list[whole - 1] >= '0' && list[whole - 1] <= '9') whole--; // the last number may be cut
    list[length] = 0;
    for (const char *at = list; at < list + whole;) {
      const u64 pid = take_number(&at);
      if (pid > 1) sys(kill, pid, SIGKILL_NUMBER);
      else at++;
    }
    kept = length - whole;
    __builtin_memmove(list, list + whole, kept);
  }
}

static void kill_children(void) {
  char path[64];
  const u64 self = (u64)sys(getpid);
  char *end = put_number(put_text(path, "/proc/self/task/"), self, 1);
  *put_text(end, "/children") = 0;
  const long fd = sys(openat, AT_CWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (failed(fd)) return;
  kill_listed((i32)fd);
  close_fd((i32)fd);
}

// With a PID namespace the death of init is the death of all. Without one: the cgroup when we were given it, the
// child, and whatever was reparented to us; what is forked meanwhile is met in the next round.
void kill_everything(void) {
  supervisor.killed = 1;
  take_usual_turns(); // nobody waits for an end, and those who die need a processor for it
  if (launch.child > 0) sys(kill, launch.child, SIGKILL_NUMBER);
  if (!(supervisor.flags & SUPERVISE_NO_PID_NAMESPACE)) return;
  if (supervisor.kill_file >= 0 && supervisor.kill_kind == 1) write_all(supervisor.kill_file, "1", 1);
  if (supervisor.kill_file >= 0 && supervisor.kill_kind == 2) kill_listed(supervisor.kill_file);
  kill_children();
}

int reap(void) {
  siginfo_t info;
  for (;;) {
    zero(&info, sizeof info);
    const long result = sys(waitid, 0 /* P_ALL */, 0, &info, WEXITED | WNOHANG, NULL);
    if (result == -ECHILD) return 1;
    if (failed(result) || info.si_pid == 0) break;
    if (info.si_pid != launch.child) continue; // an adopted orphan
    // What the children said last says more than how they ended.
    if (supervisor.channel >= 0) hear_channel();
    if (supervisor.status >= 0) hear_status();
    if (!supervisor.code) supervisor.code = info.si_code, supervisor.value = info.si_status;
    launch.child = -1;
    if (!supervisor.failure.kind && supervisor.phase != PHASE_RUNNING)
      supervisor.failure = (struct status){STATUS_FAILED, launch.next, supervisor.killed ? ECANCELED : ECHILD, ROLE_INIT};
    supervisor.phase = PHASE_ENDING;
  }
  if (supervisor.phase == PHASE_ENDING) {
    const u32 killed = supervisor.killed;
    kill_everything();
    supervisor.killed = killed; // this sweep is not what ended it
  }
  return 0;
}

// Nobody is left: what is still in the pipes goes to the log, then the record says how it ended.
void finish(void) {
  struct rusage usage;
  sys(getrusage, -1 /* RUSAGE_CHILDREN: everything that was waited for */, &usage);
  for (int stream = 0; stream < 2; stream++) log_read(stream, 1u << 20);
  log_close();
  const struct status *failure = &supervisor.failure;
  if (supervisor.dir >= 0) write_exit_record(&usage, log_dropped());
  if (failure->kind) answer(REPLY_FAILED, failure->step, failure->error, failure->role);
  for (int patience = 50; answer_pending() && patience; patience--) {
    const struct kernel_time pause = {0, 100000000};
    sys(nanosleep, &pause, NULL);
    answer_again();
  }
  leave(failure->kind ? 125 : 0);
  __builtin_unreachable();
}

// The main process as this machine numbers it: a pidfd says so in its fdinfo (pidfd_open(2)).
void resolve_main(i32 pidfd) {
  char path[48], info[512];
  supervisor.main_process = pidfd;
  *put_number(put_text(path, "/proc/self/fdinfo/"), (u64)pidfd, 1) = 0;
  const long fd = sys(openat, AT_CWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (failed(fd)) return;
  const long length = read_all((i32)fd, info, sizeof info - 1);
  close_fd((i32)fd);
  info[length > 0 ? length : 0] = 0;
  for (const char *at = info; *at; at++) {
    if (at[0] != 'P' || at[1] != 'i' || at[2] != 'd' || at[3] != ':') continue;
    at += 4;
    while (*at == '\t' || *at == ' ') at++;
    supervisor.main_pid = (i32)take_number(&at); // 0 for "-1": it has ended already
    return;
  }
}
