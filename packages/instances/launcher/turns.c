// Whom the kernel lets run, and where, between the choice of a program that waits and its first instruction.
#include "launch.h"

#include <linux/sched.h>
#include <linux/sched/types.h>

static struct sched_attr usual; // size 0: nothing was changed

// Processors that a process may have, a bit each; 0 bytes: not known.
struct processors {
  u64 bits[16];
  usize bytes;
};
static struct processors programs, ours;

static void note(i32 pid, struct processors *may) {
  const long bytes = may->bytes ? 0 : sys(sched_getaffinity, pid, sizeof may->bits, may->bits);
  if (bytes > 0) may->bytes = (usize)bytes;
}

static void give_back(i32 pid, struct processors *may) {
  if (may->bytes) sys(sched_setaffinity, pid, may->bytes, may->bits);
  may->bytes = 0;
}

void take_short_turns(i32 pid) {
  struct sched_attr wish;
  if (failed(sys(sched_getattr, pid, &wish, sizeof wish, 0)) || wish.sched_policy != SCHED_NORMAL) return;
  wish.sched_runtime = 100000; // ns
  wish.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
  sys(sched_setattr, pid, &wish, 0);
}

// Children and threads have first turns, too: one may be what this process waits for.
void take_first_turns(void) {
  struct sched_attr wish;
  zero(&wish, sizeof wish);
  wish.size = sizeof wish;
  wish.sched_policy = SCHED_FIFO;
  wish.sched_priority = 1;
  if (usual.size) return;
  if (failed(sys(sched_getattr, 0, &usual, sizeof usual, 0)) || failed(sys(sched_setattr, 0, &wish, 0))) usual.size = 0;
}

void take_usual_turns(void) {
  if (usual.size) sys(sched_setattr, 0, &usual, 0);
  usual.size = 0;
  give_back(0, &ours);
}

void note_processors(i32 program) { note(program, &programs); }
void let_anywhere(i32 program) { give_back(program, &programs); }

// Left to itself the kernel wakes a sleeper up beside who wakes it, and there it waits until the daemon has done its part.
// Returns the daemon's processor, or a negated errno when the program may have that one, too.
long keep_apart(i32 program, i32 daemon) {
  struct processors others;
  u64 processor;
  if (program <= 0 || daemon <= 0 || failed(stat_field(daemon, STAT_PROCESSOR, &processor))) return -ESRCH;
  note(program, &programs);
  if (processor >= 8 * (u64)programs.bytes) return -EINVAL;
  others = programs;
  others.bits[processor / 64] &= ~(1ull << processor % 64);
  const long done = sys(sched_setaffinity, program, others.bytes, others.bits); // there may be no other
  return failed(done) ? done : (long)processor;
}

// This process, and its threads, do not take the processor that a program has found free.
void stay_on(long processor) {
  struct processors here = {{0}, sizeof here.bits};
  if (failed(processor)) return;
  note(0, &ours);
  here.bits[processor / 64] = 1ull << processor % 64;
  sys(sched_setaffinity, 0, here.bytes, here.bits);
}
