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
void rouse(void) {
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

static void do_errand(u32 from) __attribute__((noreturn));
static void do_errand(u32 from) {
  sys(prctl, PR_SET_PDEATHSIG, 9);
  launch.role = ROLE_INIT;
  for (launch.next = from; launch.next < launch.plan.count; launch.next++) {
    const struct step *step = &launch.plan.steps[launch.next];
    if (step->kind == STEP_BEGIN) break;
    const long done = perform(step);
    if (failed(done) && !(step->flags & STEP_MAY_FAIL)) fail_step(launch.next, (i32)-done);
  }
  leave(0);
  __builtin_unreachable();
}

// Waits for the child, but not longer than a start may take; returns the errno of what went wrong.
static i32 wait_for(i32 child) {
  struct pollfd end = {child, POLLIN, 0};
  const u32 timeout_ms = supervisor.start_timeout_ms;
  const struct kernel_time limit = {timeout_ms / 1000, (i64)(timeout_ms % 1000) * 1000000};
  const int late = sys(ppoll, &end, 1, &limit, NULL, 8) == 0;
  if (late) sys(pidfd_send_signal, child, 9, NULL, 0);
  siginfo_t info;
  zero(&info, sizeof info);
  retry(sys(waitid, 3 /* P_PIDFD */, child, &info, WEXITED, NULL));
  if (late) return ETIMEDOUT;
  return info.si_code == 1 /* CLD_EXITED */ && info.si_status == 0 ? 0 : ECHILD;
}

// The steps from there to BEGIN, by a child.
static void run_errand(u32 from) {
  i32 pipe[2], child = -1;
  const long piped = sys(pipe2, pipe, O_CLOEXEC);
  if (failed(piped)) supervisor_failed(from, (i32)-piped);
  launch.status = pipe[1];
  const long pid = new_process(0, -1, &child);
  if (pid == 0) do_errand(from);
  close_fd(launch.status), launch.status = -1;
  if (failed(pid)) supervisor_failed(from, (i32)-pid);
  struct status told = {STATUS_FAILED, from, wait_for(child), ROLE_INIT};
  close_fd(child);
  if (told.error) {
    sys(read, pipe[0], &told, sizeof told); // which step it was, when the child came so far
    supervisor_failed(told.step, told.error);
  }
  close_fd(pipe[0]);
}

// What the errand used up; everything else is for the program.
static void close_used(u32 from) {
  for (u32 i = from; i < launch.plan.count; i++) {
    const struct step *step = &launch.plan.steps[i];
    if (step->kind != STEP_PLACE && step->kind != STEP_ENTER) continue;
    close_fd(launch.slots[step->arg[0]]);
    launch.slots[step->arg[0]] = -1;
  }
}

// BEGIN: the program gets the descriptors that are left, in the order of their slots.
void begin(u32 from) {
  run_errand(from);
  close_used(from);
  struct channel_message message = {.kind = CHANNEL_PLAN, .count = 0};
  i32 fds[FDS_MAX];
  for (u32 slot = 0; slot < SLOTS && message.count < FDS_MAX; slot++) {
    if (launch.slots[slot] < 0) continue;
    message.slots[message.count] = (u8)slot;
    fds[message.count++] = launch.slots[slot];
  }
  // The program first: whoever hears of it, the daemon, takes the processor from this one.
  if (failed(send_fds(supervisor.channel, &message, sizeof message, fds, message.count))) kill_everything();
  running();
  close_slots();
}
