// A warm program: it was executed ahead, has given up its rights already, and waits for what to run. What is left to do
// inside (mounts, the host name) is done for it by a thread of its supervisor, since neither of the two could: one may
// not, the other must not leave its own namespaces.
#include <linux/fcntl.h>
#include <linux/sched.h>

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
  const long processor = keep_apart(supervisor.main_pid, daemon);
  const struct channel_message message = {.kind = CHANNEL_ROUSE};
  sys(sendto, supervisor.channel, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0); // once too often is no loss
  stay_on(processor); // where nothing is to be done while we mount
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

// ---- the errand: the steps from there to BEGIN, by a thread ----
// It has namespaces of its own, as a process would; a process would take longer to make and to reap than all it has to do.
static u8 errand_stack[65536] __attribute__((aligned(65536)));
static i32 errand_alive;
static u32 errand_step;  // where it is
static i32 errand_error; // of that step

static void do_errand(void) __attribute__((noreturn, used));
static void do_errand(void) {
  for (; errand_step < launch.plan.count; errand_step++) {
    const struct step *step = &launch.plan.steps[errand_step];
    if (step->kind == STEP_BEGIN) break;
    const long done = perform(step);
    if (!failed(done) || step->flags & STEP_MAY_FAIL) continue;
    errand_error = (i32)-done;
    break;
  }
  for (;;) sys(exit, 0);
}

// Not longer than a start may take; returns the errno of what went wrong.
static i32 wait_for_errand(void) {
  const u64 end = clock_ns(MONOTONIC) + (u64)supervisor.start_timeout_ms * 1000000;
  for (i32 alive; (alive = __atomic_load_n(&errand_alive, __ATOMIC_ACQUIRE));) {
    const u64 now = clock_ns(MONOTONIC);
    if (now >= end) return ETIMEDOUT;
    const struct kernel_time rest = {(i64)((end - now) / 1000000000), (i64)((end - now) % 1000000000)};
    sys(futex, &errand_alive, 0 /* FUTEX_WAIT */, alive, &rest, NULL, 0);
  }
  return errand_error;
}

static void run_errand(u32 from) {
  errand_step = from, errand_error = 0, errand_alive = 1;
  const u64 flags = CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID;
  const long thread = thread_on(errand_stack + sizeof errand_stack, flags, do_errand, &errand_alive);
  if (failed(thread)) supervisor_failed(from, (i32)-thread);
  const i32 error = wait_for_errand();
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
