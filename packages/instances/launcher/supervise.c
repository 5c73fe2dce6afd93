// The supervisor's life: prepare the instance folder, then one poll loop until everything the instance was is gone.
#include "supervise.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "socket.h"

struct supervisor supervisor = {.dir = -1, .lock = -1, .life = -1, .control = -1, .signals = -1, .status = -1,
                                .channel = -1, .main_process = -1, .kill_file = -1};

#define SIGNAL_BIT(number) (1ull << ((number)-1))

static long open_fifo(const char *name) {
  const long made = sys(mknodat, supervisor.dir, name, S_IFIFO | 0600, 0);
  if (failed(made) && made != -EEXIST) return made;
  return sys(openat, supervisor.dir, name, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
}

static void on_signal(int number, u64 action) {
  const u64 how[4] = {action, 0, 0, 0};
  sys(rt_sigaction, number, how, NULL, 8);
}

long show_title(const char *whom) {
  set_title("constellation supervisor of ", whom);
  return 0;
}

// SUPERVISE instanceDir startTimeoutMs flags: what must be there before the clone; the rest is done beside the children
long step_supervise(const struct step *step) {
  const u64 heard = SIGNAL_BIT(17) | SIGNAL_BIT(15);
  sys(setsid); // fails for a process that already leads its session, which is just as good
  sys(umask, 0);
  sys(prctl, PR_SET_NAME, "supervisor");
  show_title(plan_text(&launch.plan, step->arg[0]));
  supervisor.step = launch.next;
  supervisor.start_timeout_ms = step->arg[1];
  supervisor.flags = step->arg[2];
  supervisor.deadline_ns = clock_ns(MONOTONIC) + 1000000ull * supervisor.start_timeout_ms;
  on_signal(17, 0); // the spawner ignores its children's ends; here they are news
  sys(rt_sigprocmask, 2, &heard, NULL, 8);
  long result = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[0]), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (failed(result)) return result;
  supervisor.dir = (i32)result;
  // A file that must be made before anything else: a daemon that no longer wants this launch puts a folder in its way.
  result = supervisor.lock = (i32)sys(openat, supervisor.dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (!failed(result)) result = sys(flock, supervisor.lock, 2 | 4 /* LOCK_EX | LOCK_NB */);
  if (failed(result)) return close_fd(supervisor.dir), supervisor.dir = -1, result; // another one lives there
  sys(unlinkat, supervisor.dir, "exit", 0);
  result = launch.stdio[0] = (i32)sys(openat, AT_CWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  if (!failed(result) && supervisor.flags & SUPERVISE_NO_PID_NAMESPACE) result = sys(prctl, PR_SET_CHILD_SUBREAPER, 1);
  if (failed(result)) return result;
  launch.stdio[1] = launch.stdio[2] = launch.stdio[0]; // until LOG says otherwise
  return 0;
}

// Children's ends arrive by signalfd, so that one poll sees everything. SIGTERM (a machine that shuts down) is passed on.
static void settle_in(void) {
  const int ignored[] = {1, 2, 3, 13}; // HUP, INT, QUIT, PIPE
  const u64 heard = SIGNAL_BIT(17) | SIGNAL_BIT(15);
  for (u32 i = 0; i < COUNT(ignored); i++) on_signal(ignored[i], 1);
  take_short_turns(0);
  long result = supervisor.signals = (i32)sys(signalfd4, -1, &heard, 8, O_CLOEXEC | O_NONBLOCK);
  if (!failed(result)) result = supervisor.life = (i32)open_fifo("life");
  if (!failed(result)) result = supervisor.control = (i32)open_fifo("control");
  if (failed(result)) supervisor_failed(supervisor.step, (i32)-result);
  result = log_begin();
  if (failed(result)) supervisor_failed(log_step(), (i32)-result);
}

// KILL_WITH slot kind: 1 the cgroup.kill file (v2), 2 the list of a cgroup's tasks (v1)
long step_kill_with(const struct step *step) {
  const i32 fd = slot_fd(step->arg[0]);
  if (fd < 0) return fd;
  supervisor.kill_file = (i32)sys(fcntl, fd, F_DUPFD_CLOEXEC, 3);
  supervisor.kill_kind = step->arg[1];
  return supervisor.kill_file;
}

void forget_supervisor(void) {
  i32 *const own[] = {&supervisor.dir,    &supervisor.lock,   &supervisor.life,    &supervisor.control, &supervisor.signals,
                      &supervisor.status, &supervisor.channel, &supervisor.kill_file, &launch.reply};
  for (u32 i = 0; i < COUNT(own); i++) close_fd(*own[i]), *own[i] = -1;
  log_forget();
}

// A step of the supervisor itself failed.
void supervisor_failed(u32 step, i32 error) {
  if (session_active()) session_failed(step, error);
  supervisor.failure = (struct status){STATUS_FAILED, step, error, ROLE_SUPERVISOR};
  if (launch.child > 0) {
    sys(kill, launch.child, 9);
    kill_everything();
    while (!reap()) { // signals may not be heard yet
      const struct kernel_time pause = {0, 1000000};
      sys(nanosleep, &pause, NULL);
    }
  }
  finish();
}

// Exec has succeeded. With an init, its message with the main process may still be on its way: that is waited for.
static void started(void) {
  if (supervisor.phase == PHASE_RUNNING || !supervisor.executed) return;
  if (supervisor.has_init && supervisor.main_process < 0 && supervisor.channel >= 0) return;
  if (supervisor.standing_by) return; // it has not said yet that it is warm
  running();
  close_slots();
}

// A warm program says that it is as warm as it will get.
static void warm(void) {
  if (!supervisor.standing_by || supervisor.phase != PHASE_STARTING) return;
  supervisor.phase = PHASE_WAITING;
  take_first_turns();
  write_pid_file();
  answer(REPLY_WAITING, launch.next, 0, ROLE_MAIN);
}

void running(void) {
  supervisor.phase = PHASE_RUNNING;
  supervisor.started_realtime_ns = clock_ns(REALTIME);
  supervisor.started_ns = clock_ns(MONOTONIC);
  write_pid_file();
  answer(REPLY_STARTED, 0, 0, ROLE_MAIN);
  take_usual_turns();
  sys(madvise, plan_buffer, PLAN_MAX, 4 /* MADV_DONTNEED: the plan may hold secrets */);
  set_capabilities(1ull << CAP_KILL);
  if (supervisor.pending_signal) kill_main(supervisor.pending_signal);
}

// The status pipe: a failure, the announcement of exec, or its end, which exec causes.
void hear_status(void) {
  struct status status;
  for (;;) {
    const long got = retry(sys(read, supervisor.status, &status, sizeof status));
    if (got == -EAGAIN) return;
    if (got != sizeof status) break;
    if (status.kind == STATUS_FAILED) supervisor.failure = status;
    if (status.kind == STATUS_EXECUTING) supervisor.executing = 1;
    if (status.kind == STATUS_STANDING_BY) supervisor.standing_by = 1;
    if (status.kind != STATUS_WAITING) continue;
    supervisor.phase = PHASE_WAITING;
    take_first_turns();
    write_pid_file();
    answer(REPLY_WAITING, status.step, 0, ROLE_MAIN);
  }
  close_fd(supervisor.status), supervisor.status = -1;
  supervisor.executed = supervisor.executing && !supervisor.failure.kind; // otherwise its end will be reaped
  started();
}

void hear_channel(void) {
  for (;;) {
    struct channel_message message = {.kind = 0};
    i32 fd = -1;
    const long got = receive_fds_with(supervisor.channel, &message, sizeof message, &fd, 1, MSG_DONTWAIT);
    if (got == -EAGAIN) return;
    if (got == sizeof message && message.kind == CHANNEL_MAIN && fd >= 0) {
      resolve_main(fd);
      started();
      continue;
    }
    close_fd(fd);
    if (got != sizeof message) break; // nobody holds the other end any more
    if (message.kind == CHANNEL_WARM) warm();
    if (message.kind == CHANNEL_ENDED) supervisor.code = message.code, supervisor.value = message.value;
  }
  close_fd(supervisor.channel), supervisor.channel = -1;
  started();
}

// Returns 1 when nobody is left.
static int hear_signals(void) {
  u8 info[128];
  while (sys(read, supervisor.signals, info, sizeof info) == sizeof info)
    if (info[0] == 15) kill_main(15);
  return reap();
}

static int timeout_ms(void) {
  if (supervisor.phase == PHASE_ENDING) return 10; // descendants that were adopted just now must be killed, too
  if (supervisor.phase == PHASE_STARTING && !supervisor.killed) {
    const u64 now = clock_ns(MONOTONIC);
    return now >= supervisor.deadline_ns ? 0 : (int)((supervisor.deadline_ns - now) / 1000000 + 1);
  }
  return log_restless() ? 1000 : -1;
}

static void timed_out(void) {
  if (supervisor.phase == PHASE_STARTING && !supervisor.killed && clock_ns(MONOTONIC) >= supervisor.deadline_ns) {
    supervisor.failure = (struct status){STATUS_FAILED, launch.next, ETIMEDOUT, ROLE_INIT};
    kill_everything();
  }
  log_idle();
}

void supervise(void) {
  if (session_active()) run_session();
  settle_in();
  if (supervisor.phase != PHASE_WAITING) close_slots();
  enum { STATUS, CHANNEL, CONTROL, SIGNALS, OUT, ERROR, REPLY, SOURCES };
  for (;;) {
    const int rest = log_rest_ms();
    struct pollfd sources[SOURCES] = {
        {supervisor.status, POLLIN, 0},
        {supervisor.channel, POLLIN, 0},
        {supervisor.control, POLLIN, 0},
        {supervisor.signals, POLLIN, 0},
        {rest ? -1 : log_streams[0], POLLIN, 0},
        {rest ? -1 : log_streams[1], POLLIN, 0},
        // Watched without wanting anything, it still tells a slot that its daemon is gone: once.
        {answer_pending() || (supervisor.phase == PHASE_WAITING && !supervisor.killed) ? launch.reply : -1,
         answer_pending() ? POLLOUT : 0, 0},
    };
    const int patience = timeout_ms(), wait = rest && (patience < 0 || rest < patience) ? rest : patience;
    const struct kernel_time limit = {wait / 1000, (i64)(wait % 1000) * 1000000};
    const long ready = sys(ppoll, sources, SOURCES, wait < 0 ? NULL : &limit, NULL, 8);
    if (ready == 0 && wait == patience) timed_out();
    if (sources[STATUS].revents) hear_status();
    if (sources[CHANNEL].revents) hear_channel();
    if (sources[CONTROL].revents) obey();
    if (sources[OUT].revents) log_read(0, 1u << 16);
    if (sources[ERROR].revents) log_read(1, 1u << 16);
    if (sources[REPLY].revents) {
      // A slot that nobody will ever fill ends with the daemon that made it.
      if (sources[REPLY].revents & (POLLHUP | POLLERR) && supervisor.phase == PHASE_WAITING) kill_everything();
      answer_again();
    }
    if ((sources[SIGNALS].revents || supervisor.phase == PHASE_ENDING) && hear_signals()) finish();
  }
}
