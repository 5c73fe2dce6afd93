// A warm program: it was executed ahead, has given up its rights already, and waits for what to run. What is left to do
// inside (mounts, the host name) is done for it by a child of its supervisor, since neither of the two could: one may
// not, the other must not leave its own namespaces.
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "socket.h"
#include "supervise.h"

// JOIN namespaces: of the program that waits (setns(2), Linux 5.8)
long step_join(const struct step *step) {
  return supervisor.main_process < 0 ? -ESRCH : sys(setns, supervisor.main_process, step->arg[0]);
}

// STAND_BY descriptors: the program that is executed next waits. It gets the channel as descriptor 3 and as the ones
// that follow, which keeps their numbers free for the sockets that come with its assignment.
long step_stand_by(const struct step *step) {
  if (step->arg[0] < 1 || step->arg[0] > SLOTS) return -EINVAL;
  const i32 end = 3 + (i32)step->arg[0];
  i32 *const ours[] = {&launch.status, &launch.channel};
  close_slots();
  for (u32 i = 0; i < COUNT(ours); i++) {
    if (*ours[i] < 0) return -EINVAL;
    if (*ours[i] >= end) continue;
    const long moved = sys(fcntl, *ours[i], F_DUPFD_CLOEXEC, end);
    if (failed(moved)) return moved;
    close_fd(*ours[i]);
    *ours[i] = (i32)moved;
  }
  for (i32 number = 3; number < end; number++) {
    const long placed = sys(dup3, launch.channel, number, 0);
    if (failed(placed)) return placed;
  }
  tell_status(STATUS_STANDING_BY, launch.next, 0);
  return 0;
}

// A message without anything in it. Whoever has waited long is slow at first, and has the time to get over it.
void rouse(i32 daemon) {
  keep_apart(supervisor.main_pid, daemon);
  const struct channel_message message = {.kind = CHANNEL_ROUSE};
  sys(sendto, supervisor.channel, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0); // once too often is no loss
}

// TELL bytes: what the program reads while the rest is done for it. It comes as a file in memory, of any length.
long step_tell(const struct step *step) {
  const struct channel_message message = {.kind = CHANNEL_PAPER, .count = 1};
  if (!supervisor.standing_by) return -EINVAL;
  const long paper = sys(memfd_create, "assignment", 1 /* MFD_CLOEXEC */);
  if (failed(paper)) return paper;
  const i32 fd = (i32)paper;
  long result = write_all(fd, launch.plan.bytes + step->arg[0], step->arg[1]);
  if (!failed(result)) result = sys(lseek, fd, 0, 0);
  if (!failed(result)) result = send_fds(supervisor.channel, &message, sizeof message, &fd, 1);
  close_fd(fd);
  return failed(result) ? result : 0;
}

// ---- the errand: the steps from there to BEGIN, by a child ----
// It shares our memory and our descriptors, since copying them would take longer than all it has to do.
static u8 errand_stack[65536] __attribute__((aligned(65536)));
static u32 errand_step;  // where it is
static i32 errand_error; // of that step

static void do_errand(void) __attribute__((noreturn, used));
static void do_errand(void) {
  sys(prctl, PR_SET_PDEATHSIG, 9);
  for (; errand_step < launch.plan.count; errand_step++) {
    const struct step *step = &launch.plan.steps[errand_step];
    if (step->kind == STEP_BEGIN) break;
    const long done = perform(step);
    if (!failed(done) || step->flags & STEP_MAY_FAIL) continue;
    errand_error = (i32)-done;
    break;
  }
  leave(0);
  __builtin_unreachable();
}

// Waits for the child, but not longer than a start may take; returns the errno of what went wrong. It is reaped with all
// others (reap), when nothing waits for us: that takes as long as the half of what it did.
static i32 wait_for(i32 child) {
  struct pollfd end = {child, POLLIN, 0};
  const u32 timeout_ms = supervisor.start_timeout_ms;
  const struct kernel_time limit = {timeout_ms / 1000, (i64)(timeout_ms % 1000) * 1000000};
  const int late = sys(ppoll, &end, 1, &limit, NULL, 8) == 0;
  if (late) sys(pidfd_send_signal, child, 9, NULL, 0);
  siginfo_t info;
  zero(&info, sizeof info);
  retry(sys(waitid, 3 /* P_PIDFD */, child, &info, WEXITED | WNOWAIT, NULL));
  if (late) return ETIMEDOUT;
  return info.si_code == 1 /* CLD_EXITED */ ? errand_error : ECHILD;
}

static void run_errand(u32 from) {
  i32 child = -1;
  errand_step = from, errand_error = 0;
  const u64 flags = CLONE_VM | CLONE_FILES | CLONE_PIDFD | 17 /* SIGCHLD */;
  const long pid = clone_on(errand_stack + sizeof errand_stack, flags, do_errand, &child);
  if (failed(pid)) supervisor_failed(from, (i32)-pid);
  const i32 error = wait_for(child);
  close_fd(child);
  if (error) supervisor_failed(errand_step, error);
}

// BEGIN: the program gets the descriptors that are left, in the order of their slots.
void begin(u32 from) {
  run_errand(from);
  struct channel_message message = {.kind = CHANNEL_PLAN, .count = 0};
  i32 fds[FDS_MAX];
  for (u32 slot = 0; slot < SLOTS && message.count < FDS_MAX; slot++) {
    if (launch.slots[slot] < 0) continue;
    message.slots[message.count] = (u8)slot;
    fds[message.count++] = launch.slots[slot];
  }
  let_anywhere(supervisor.main_pid); // before it can look
  // The program first: whoever hears of it, the daemon, takes the processor from this one.
  if (failed(send_fds(supervisor.channel, &message, sizeof message, fds, message.count))) kill_everything();
  running();
  sys(madvise, errand_stack, sizeof errand_stack, 4 /* MADV_DONTNEED */);
  close_slots();
}
