// Steps that make processes, enter other processes' namespaces, wait for one another, and become the program.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "socket.h"
#include "supervise.h"

#define SIGCHLD_NUMBER 17

// clone3 where it exists; older kernels and containers that hide it get clone, which lacks only cgroup placement.
long new_process(u64 flags, i32 cgroup, i32 *pidfd) {
  struct clone_args arguments;
  zero(&arguments, sizeof arguments);
  arguments.flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
  arguments.pidfd = (u64)pidfd;
  arguments.cgroup = cgroup >= 0 ? (u64)cgroup : 0;
  arguments.exit_signal = SIGCHLD_NUMBER;
  const long pid = sys(clone3, &arguments, sizeof arguments);
  if (pid != -ENOSYS || cgroup >= 0) return pid;
  return sys(clone, flags | (pidfd ? CLONE_PIDFD : 0) | SIGCHLD_NUMBER, 0, pidfd);
}

static void work_beside(u32 count);

static void become_inside(void) {
  launch.role = ROLE_INIT;
  forget_supervisor();
  for (int i = 0; i < 3; i++)
    if (launch.stdio[i] >= 0) sys(dup3, launch.stdio[i], i, 0);
  if (launch.terminal >= 0) {
    sys(setsid);
    sys(ioctl, 0, 0x540e /* TIOCSCTTY */, 0);
  }
  sys(prctl, PR_SET_PDEATHSIG, 9);
}

// CLONE flags cgroupSlot+1 parentSteps: the child goes on behind the parent's steps, the parent does those and then
// supervises for the rest of its life
long step_clone(const struct step *step) {
  if (supervisor.phase != PHASE_PREPARING || launch.child || supervisor.channel >= 0) return -EINVAL;
  i32 pipe[2], pair[2], cgroup = -1;
  if (step->arg[1] > SLOTS) return -EINVAL;
  if (step->arg[1] && (cgroup = slot_fd(step->arg[1] - 1)) < 0) return cgroup;
  long result = sys(pipe2, pipe, O_CLOEXEC);
  if (!failed(result)) result = sys(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC_FLAG, 0, pair);
  if (failed(result)) return result;
  sys(fcntl, pipe[0], F_SETFL, O_NONBLOCK);
  supervisor.status = pipe[0], supervisor.channel = pair[0];
  launch.status = pipe[1], launch.channel = pair[1];
  // A command is seen by the instance from here on: one without rights, of the same user and kind, must not get at what is
  // ours in it (descriptors, code that its filter does not hold yet) before it is executed, which makes it the instance's.
  if (session_active()) sys(prctl, PR_SET_DUMPABLE, 0);
  const long pid = new_process(step->arg[0], cgroup, NULL);
  if (failed(pid)) return pid;
  const u32 parent_steps = step->arg[2];
  for (u32 i = launch.next; i < launch.plan.count; i++) supervisor.has_init |= launch.plan.steps[i].kind == STEP_INIT;
  if (pid == 0) {
    become_inside();
    launch.next += parent_steps;
    return 0;
  }
  launch.child = (i32)pid;
  supervisor.phase = PHASE_STARTING;
  close_fd(launch.status), close_fd(launch.channel);
  for (int i = 0; i < 3; i++) close_fd(launch.stdio[i]);
  if (parent_steps) work_beside(parent_steps);
  supervise();
}

// The parent's steps, while the child is busy with its own; then the child gets the descriptors that came of them.
static void work_beside(u32 count) {
  i32 before[SLOTS], fds[FDS_MAX];
  struct channel_message go = {.kind = CHANNEL_GO, .count = 0};
  copy(before, launch.slots, sizeof before);
  for (u32 i = 0; i < count; i++) {
    const struct step *step = &launch.plan.steps[++launch.next];
    const long done = perform(step);
    if (failed(done) && !(step->flags & STEP_MAY_FAIL)) fail_step(launch.next, (i32)-done);
  }
  for (u32 slot = 0; slot < SLOTS; slot++) {
    if (launch.slots[slot] < 0 || launch.slots[slot] == before[slot]) continue;
    go.slots[go.count] = (u8)slot;
    fds[go.count++] = launch.slots[slot];
  }
  send_fds(supervisor.channel, &go, sizeof go, fds, go.count);
}

// WAIT_PARENT: until the parent has done its steps; its end of the channel closes if it died
long step_wait_parent(void) {
  struct channel_message message = {.kind = 0};
  i32 fds[FDS_MAX];
  const long got = receive_fds(launch.channel, &message, sizeof message, fds, FDS_MAX);
  if (failed(got)) return got;
  if (got != sizeof message || message.kind != CHANNEL_GO || message.count > SLOTS) return -EPIPE;
  for (u32 i = 0; i < message.count; i++)
    if (message.slots[i] < SLOTS) fill_slot(message.slots[i], fds[i]);
  return 0;
}

// Everything an instance started ends here: orphans are reaped, and when the main process ends so does this one,
// upon which the kernel kills whatever is left in the PID namespace (pid_namespaces(7)).
static void reap_until_main_ends(i32 main) __attribute__((noreturn));
static void reap_until_main_ends(i32 main) {
  siginfo_t info;
  int code = 0;
  for (;;) {
    zero(&info, sizeof info);
    if (failed(retry(sys(waitid, 0 /* P_ALL */, 0, &info, WEXITED, NULL)))) break;
    if (info.si_pid != main) continue;
    const struct channel_message ended = {.kind = CHANNEL_ENDED, .code = info.si_code, .value = info.si_status};
    send_fds(launch.channel, &ended, sizeof ended, NULL, 0);
    // Without a supervisor on the channel (`launcher become`) its end becomes ours, worded as a shell does.
    if (launch.channel < 0) code = info.si_code == 1 /* CLD_EXITED */ ? info.si_status : 128 + info.si_status;
    break;
  }
  leave(code);
  __builtin_unreachable();
}

// INIT: this process becomes the init of its PID namespace, its child goes on. Init keeps no descriptor but the
// channel, no capability and no page of the plan (it may hold secrets), and cannot be traced.
long step_init(void) {
  i32 process = -1;
  const long pid = new_process(0, -1, &process);
  if (failed(pid)) return pid;
  if (pid == 0) {
    launch.role = ROLE_MAIN;
    return 0;
  }
  const struct channel_message message = {.kind = CHANNEL_MAIN};
  send_fds(launch.channel, &message, sizeof message, &process, 1);
  if (launch.channel > 0) sys(close_range, 0, launch.channel - 1, 0);
  sys(close_range, launch.channel + 1, ~0u, 0);
  sys(prctl, PR_SET_DUMPABLE, 0);
  sys(prctl, PR_SET_NAME, "instance-init");
  set_title("constellation init", ""); // what stood there names folders of the machine
  sys(prctl, PR_SET_PDEATHSIG, 9);
  set_capabilities(0);
  sys(madvise, plan_buffer, PLAN_MAX, 4 /* MADV_DONTNEED */);
  reap_until_main_ends((i32)pid);
}

void become_usual(void) {
  take_usual_turns();
  let_anywhere(0);
}

// WAIT_PLAN: a warm slot stops here until the supervisor hands over the rest of the plan, as a file and with the
// descriptors that its own steps prepared. The plan goes on behind its HAND_OVER step.
long step_wait_plan(void) {
  struct channel_message message = {.kind = 0};
  i32 fds[FDS_MAX];
  note_processors(0);
  take_first_turns();
  tell_status(STATUS_WAITING, launch.next, 0);
  const long got = receive_fds(launch.channel, &message, sizeof message, fds, FDS_MAX);
  if (failed(got)) return got;
  if (got == 0) leave(0); // the supervisor is gone
  if (got != sizeof message || message.kind != CHANNEL_PLAN || message.count >= SLOTS || fds[0] < 0) return -EBADMSG;
  const long size = read_all(fds[0], plan_buffer, PLAN_MAX);
  close_fd(fds[0]);
  if (failed(size)) return size;
  struct refusal refusal;
  if (!check_plan(plan_buffer, (usize)size, &launch.plan, &refusal)) return -refusal.error;
  close_slots();
  for (u32 i = 0; i < message.count; i++)
    if (message.slots[i] < SLOTS) launch.slots[message.slots[i]] = fds[i + 1];
  run_plan((u32)message.value);
}

long stat_field(i32 pid, int field, u64 *value) {
  char path[32], stat[512];
  *put_text(put_number(put_text(path, "/proc/"), (u64)pid, 1), "/stat") = 0;
  const long fd = sys(openat, AT_CWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (failed(fd)) return fd;
  const long length = read_all((i32)fd, stat, sizeof stat - 1);
  close_fd((i32)fd);
  if (length <= 0) return -ESRCH;
  stat[length] = 0;
  const char *at = stat + length;
  while (at > stat && *at != ')') at--; // the name may contain anything, its closing bracket is the last one
  for (int spaces = 0; *at && spaces < field - 2; at++) spaces += *at == ' ';
  *value = take_number(&at);
  return 0;
}

// OPEN_PROCESS slot pid startTicks: a pidfd of exactly that process, never of a later one with the same number
long step_open_process(const struct step *step) {
  const long fd = sys(pidfd_open, step->arg[1], 0);
  u64 ticks = 0;
  if (failed(fd)) return fd;
  const long known = stat_field((i32)step->arg[1], STAT_START, &ticks);
  if (!failed(known) && ticks == wide(&step->arg[2])) return fill_slot(step->arg[0], fd);
  close_fd((i32)fd);
  return -ESRCH;
}

// ENTER slot namespaces: joins the namespaces of the process behind the pidfd (setns(2), Linux 5.8)
long step_enter(const struct step *step) {
  const i32 fd = slot_fd(step->arg[0]);
  return fd < 0 ? fd : sys(setns, fd, step->arg[1]);
}

void default_signals(void) {
  const u64 default_action[4] = {0, 0, 0, 0}, nothing_blocked = 0;
  for (int signal = 1; signal <= 64; signal++) sys(rt_sigaction, signal, default_action, NULL, 8);
  sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &nothing_blocked, NULL, 8);
}

// EXEC candidates arguments environment pidTextAt: the first candidate path that can be executed. At pidTextAt (0:
// nowhere) the process writes its own number, for LISTEN_PID (sd_listen_fds(3)).
long step_exec(const struct step *step) {
  static const char *candidates[LIST_MAX + 1], *arguments[LIST_MAX + 1], *environment[LIST_MAX + 1];
  const u32 pid_text = step->arg[6];
  if (pid_text) {
    if (pid_text < sizeof(struct plan_header) || (u64)pid_text + 11 > launch.plan.size) return -EFAULT;
    *put_number((char *)plan_buffer + pid_text, (u64)sys(getpid), 1) = 0;
  }
  plan_texts(&launch.plan, step->arg[0], step->arg[1], candidates);
  plan_texts(&launch.plan, step->arg[2], step->arg[3], arguments);
  plan_texts(&launch.plan, step->arg[4], step->arg[5], environment);
  become_usual();
  default_signals();
  tell_status(STATUS_EXECUTING, launch.next, 0);
  long result = -ENOENT, denied = 0;
  for (u32 i = 0; i < step->arg[1]; i++) {
    result = sys(execve, candidates[i], arguments, environment);
    if (result == -EACCES) denied = result;
    if (result != -ENOENT && result != -EACCES && result != -ENOTDIR) return result;
  }
  return denied ? denied : result;
}
