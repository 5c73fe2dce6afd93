// The spawner: a small resident process that forks for the daemon. Node's own fork copies its whole page table
// (0.8 ms when small, 15 ms at 850 MB); this one has a handful of pages, and what it starts is nobody's child but its own.
#include "spawner.h"

#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "socket.h"
#include "supervise.h"

#define REQUESTS 3

static void tell(u32 kind, u32 step, i32 error) {
  struct reply reply;
  fill_reply(&reply, kind, step, error, ROLE_SUPERVISOR);
  sys(sendto, REQUESTS, &reply, sizeof reply, MSG_NOSIGNAL, NULL, 0);
}

// Only one spawner per lock file: a new daemon's waits here until the old one's has finished what was queued.
static void take_lock(const char *path) {
  const long fd = sys(openat, AT_CWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  long result = fd;
  if (!failed(fd)) result = retry(sys(flock, fd, 2 /* LOCK_EX */));
  if (!failed(result)) return;
  tell(REPLY_REFUSED, ~0u, (i32)-result);
  leave(1);
}

// The daemon made the socket for requests. When it has died since, its number and our parent are somebody else's.
static void let_daemon_take_short_turns(void) {
  struct { i32 pid; u32 uid, gid; } maker;
  u32 length = sizeof maker;
  if (failed(sys(getsockopt, REQUESTS, SOL_SOCKET_LEVEL, SO_PEERCRED_OPTION, &maker, &length))) return;
  if (maker.pid == sys(getppid)) take_short_turns(maker.pid);
}

// In the child: nothing of the spawner stays but the socket for replies.
static void launch_here(void) __attribute__((noreturn));
static void launch_here(void) {
  sys(close_range, REQUESTS + 1, ~0u, 0);
  launch.reply = REQUESTS;
  sys(fcntl, REQUESTS, F_SETFD, 1 /* FD_CLOEXEC */);
  run_plan(0);
}

int spawner(const char *lock) {
  const u64 ignore[4] = {1, 0, 0, 0};
  const int ignored[] = {1, 2, 13, 17}; // HUP, INT, PIPE; CHLD: the kernel reaps the supervisors
  for (u32 i = 0; i < COUNT(ignored); i++) sys(rt_sigaction, ignored[i], ignore, NULL, 8);
  sys(setsid);
  sys(prctl, PR_SET_NAME, "spawner");
  // What a killed supervisor leaves comes here and is reaped; the first process of a container often reaps nobody.
  sys(prctl, PR_SET_CHILD_SUBREAPER, 1);
  sys(close_range, REQUESTS + 1, ~0u, 0);
  let_daemon_take_short_turns();
  if (lock) take_lock(lock);
  tell(REPLY_READY, landlock_version(), 0); // what no file of the kernel says
  for (;;) {
    u32 head[2]; // length of the plan, number of the launch
    const long got = read_all(REQUESTS, head, sizeof head);
    if (got != sizeof head) return got == 0 ? 0 : 1; // the daemon is gone; everything it asked for has been started
    launch.id = head[1];
    if (head[0] > PLAN_MAX) {
      tell(REPLY_REFUSED, ~0u, EMSGSIZE);
      return 1; // what follows can no longer be told apart
    }
    if (read_all(REQUESTS, plan_buffer, head[0]) != (long)head[0]) return 1;
    struct refusal refusal;
    if (!check_plan(plan_buffer, head[0], &launch.plan, &refusal)) {
      tell(REPLY_REFUSED, refusal.step, refusal.error);
      continue;
    }
    // SIGCHLD as the end signal, so that the ignored one reaps.
#if defined(__x86_64__)
    const long pid = sys(fork);
#else
    const long pid = sys(clone, 17, 0, 0, 0, 0);
#endif
    if (pid == 0) launch_here();
    if (failed(pid)) tell(REPLY_FAILED, 0, (i32)-pid);
  }
}
