// The control FIFO: the daemon, or the next one, tells the supervisor what to do. One command per line:
//   T<signal>  send this signal to the main process     K  kill everything     A<pid>  run the plan in the file `assign`,
//   which this daemon has written
//   R<pid>  wake a warm program up: this daemon is about to tell it what to run
#include "supervise.h"

#include <linux/fcntl.h>

#include "socket.h"

static void command(const char *line) {
  const char *argument = line + 1;
  if (*line == 'T') {
    const u64 signal = take_number(&argument);
    if (signal >= 1 && signal <= 64) kill_main((u32)signal);
  } else if (*line == 'K') {
    kill_everything();
  } else if (*line == 'A' && supervisor.phase == PHASE_WAITING) {
    hand_over((i32)take_number(&argument));
  } else if (*line == 'R' && supervisor.phase == PHASE_WAITING && supervisor.standing_by) {
    rouse((i32)take_number(&argument));
  } // anything else is noise from someone who may write here; it changes nothing
}

void obey(void) {
  static char buffer[256];
  static u32 fill;
  const long got = sys(read, supervisor.control, buffer + fill, sizeof buffer - 1 - fill);
  if (got <= 0) return;
  fill += (u32)got;
  u32 from = 0;
  for (;;) {
    const u32 end = (u32)find_byte(buffer, from, fill, '\n');
    if (end == fill) break;
    buffer[end] = 0;
    command(buffer + from);
    from = end + 1;
  }
  fill -= from;
  __builtin_memmove(buffer, buffer + from, fill);
  if (fill == sizeof buffer - 1) fill = 0; // a line this long is no command
}

// A warm slot gets its command: the supervisor does the steps before HAND_OVER (binds and sockets that only it can
// reach), then gives the file and the descriptors to the waiting process.
void hand_over(i32 daemon) {
  const long file = sys(openat, supervisor.dir, "assign", O_RDONLY | O_CLOEXEC, 0);
  if (failed(file)) return supervisor_failed(0, (i32)-file);
  const long size = read_all((i32)file, plan_buffer, PLAN_MAX);
  struct refusal refusal = {0, EIO};
  if (failed(size) || !check_plan(plan_buffer, (usize)size, &launch.plan, &refusal))
    supervisor_failed(refusal.step, refusal.error);
  for (u32 i = 0; i < launch.plan.count; i++) {
    const struct step *step = &launch.plan.steps[launch.next = i];
    if (step->kind != STEP_HAND_OVER) {
      const long done = perform(step);
      if (failed(done) && !(step->flags & STEP_MAY_FAIL)) supervisor_failed(i, (i32)-done);
      continue;
    }
    if (supervisor.standing_by) {
      close_fd((i32)file);
      return begin(i + 1);
    }
    struct channel_message message = {.kind = CHANNEL_PLAN, .value = (i32)i + 1, .count = 0};
    i32 fds[FDS_MAX] = {(i32)file};
    for (u32 slot = 0; slot < SLOTS && message.count < FDS_MAX - 1; slot++) {
      if (launch.slots[slot] < 0) continue;
      message.slots[message.count] = (u8)slot;
      fds[++message.count] = launch.slots[slot];
    }
    sys(lseek, file, 0, 0);
    keep_apart(supervisor.main_pid ? supervisor.main_pid : launch.child, daemon); // it goes back by itself
    supervisor.phase = PHASE_STARTING;
    supervisor.deadline_ns = clock_ns(MONOTONIC) + 1000000ull * supervisor.start_timeout_ms;
    const long sent = send_fds(supervisor.channel, &message, sizeof message, fds, message.count + 1);
    if (failed(sent)) supervisor_failed(i, (i32)-sent);
    close_fd((i32)file);
    close_slots();
    return;
  }
  supervisor_failed(launch.plan.count - 1, EINVAL); // no HAND_OVER in it
}
