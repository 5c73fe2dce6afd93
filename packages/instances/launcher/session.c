// A command inside a running instance (exec), with or without a terminal. The daemon talks to it by frames on its
// standard input and output: an 8-byte head (type, 3 zero bytes, length as 32 bits) and the content.
//   in:  0 input  1 end of input  2 window size (rows, columns: 16 bits each)  3 signal (32 bits)  16 the plan (first)
//   out: 1 output  2 error output  3 the end (struct session_end)  4 started (process id, 32 bits)
// When standard input ends, the daemon is gone or has lost interest, and the command is killed. A daemon that does not
// read makes the command wait, and nothing else: who ends must be reaped, or its instance could not end.
#include "supervise.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/wait.h>

#define CHUNK 32768
#define LAST_BYTES (1 << 20) // of output after the command's end: what others still write has no end
#define TIOCGPTPEER_REQUEST 0x5441
#define TIOCSPTLCK_REQUEST 0x40045431
#define TIOCSWINSZ_REQUEST 0x5414

enum { IN_DATA = 0, IN_END = 1, IN_SIZE = 2, IN_SIGNAL = 3 };
enum { OUT_DATA = 1, OUT_ERROR = 2, OUT_END = 3, OUT_STARTED = 4 };

struct frame {
  u8 type;
  u8 zero[3];
  u32 length;
};

struct session_end {
  u32 kind; // 1 ended, 2 could not start
  i32 code, value;
  u32 step;
  i32 error;
};

static struct {
  u32 active, ended, executing, deserted;
  i32 terminal;              // our side of the pseudo-terminal
  i32 input, output, errors; // our ends of the pipes
  u32 fill, at;              // of `buffer`
  struct session_end end;
} session = {.terminal = -1, .input = -1, .output = -1, .errors = -1};

static u8 buffer[sizeof(struct frame) + CHUNK];

// Frames that the daemon has not taken yet. Output is read only when there are none.
static struct {
  u32 fill, at;
  u8 bytes[3 * sizeof(struct frame) + CHUNK + 64];
} outgoing;

int session_active(void) { return (int)session.active; }

static void signal_command(u32 number) {
  if (launch.child <= 0) return;
  sys(kill, -launch.child, number); // its process group, which it may not have made yet
  if (number == 9) sys(kill, launch.child, 9);
}

static void desert(void) {
  session.deserted = 1;
  signal_command(9);
}

static void pass_frames(void) {
  while (outgoing.at < outgoing.fill) {
    const long done = retry(sys(write, 1, outgoing.bytes + outgoing.at, outgoing.fill - outgoing.at));
    if (done == -EAGAIN) return;
    if (done <= 0) return desert();
    outgoing.at += (u32)done;
  }
  outgoing.at = outgoing.fill = 0;
}

// There is room for the rest of one output frame, and for the two that are no output.
static void send_frame(u8 type, const void *content, u32 length) {
  const struct frame head = {type, {0, 0, 0}, length};
  copy(outgoing.bytes + outgoing.fill, &head, sizeof head);
  copy(outgoing.bytes + outgoing.fill + sizeof head, content, length);
  outgoing.fill += (u32)sizeof head + length;
  pass_frames();
}

// Waits until the daemon has taken everything, or is gone.
static void deliver(void) {
  while (outgoing.fill && !session.deserted) {
    struct pollfd ends[] = {{1, POLLOUT, 0}, {0, 0, 0}};
    sys(ppoll, ends, COUNT(ends), NULL, NULL, 8);
    if (ends[1].revents & (POLLHUP | POLLERR)) session.deserted = 1;
    pass_frames();
  }
}

static long nonblocking(i32 fd) { return sys(fcntl, fd, F_SETFL, O_NONBLOCK); }

// SESSION terminal: pipes for the command unless PTY follows
long step_session(const struct step *step) {
  session.active = 1;
  supervisor.signals = -1;
  default_signals();
  nonblocking(1);
  const u64 ignore[4] = {1, 0, 0, 0}, mask = 1ull << 16;
  sys(rt_sigaction, 13, ignore, NULL, 8);
  sys(rt_sigprocmask, 2, &mask, NULL, 8);
  supervisor.signals = (i32)sys(signalfd4, -1, &mask, 8, O_CLOEXEC | O_NONBLOCK);
  if (step->arg[0]) return supervisor.signals;
  i32 *const ours[3] = {&session.input, &session.output, &session.errors};
  for (int i = 0; i < 3; i++) {
    i32 ends[2];
    const long made = sys(pipe2, ends, O_CLOEXEC);
    if (failed(made)) return made;
    if (i > 0) sys(fchmod, ends[1], 0622); // as in log.c: /dev/stdout can be opened by name
    *ours[i] = ends[i == 0];
    launch.stdio[i] = ends[i != 0];
    nonblocking(*ours[i]);
  }
  return 0;
}

static void set_size(u16 rows, u16 columns) {
  const u16 size[4] = {rows, columns, 0, 0};
  sys(ioctl, session.terminal, TIOCSWINSZ_REQUEST, size);
}

// PTY multiplexer rows columns: opened where the command lives, so that ttyname works there
long step_pty(const struct step *step) {
  const i32 locked = 0;
  const long outer = sys(openat, AT_CWD, plan_text(&launch.plan, step->arg[0]), O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
  if (failed(outer)) return outer;
  session.terminal = session.input = session.output = (i32)outer;
  long result = sys(ioctl, outer, TIOCSPTLCK_REQUEST, &locked);
  if (failed(result)) return result;
  result = sys(ioctl, outer, TIOCGPTPEER_REQUEST, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (failed(result)) return result;
  launch.terminal = launch.stdio[0] = launch.stdio[1] = launch.stdio[2] = (i32)result;
  set_size((u16)step->arg[1], (u16)step->arg[2]);
  return nonblocking((i32)outer);
}

// ---- input ----

static void close_input(void) {
  if (session.input >= 0 && session.input != session.terminal) close_fd(session.input);
  else if (session.terminal >= 0) sys(write, session.terminal, "\x04", 1); // end of transmission
  session.input = -1;
}

// One whole frame lies in the buffer. Returns 0 when its input does not fit into the command's pipe yet.
static int take_frame(const struct frame *head, const u8 *content) {
  u32 number;
  if (head->type == IN_DATA) {
    while (session.at < head->length && session.input >= 0) {
      const long written = sys(write, session.input, content + session.at, head->length - session.at);
      if (written == -EAGAIN) return 0;
      if (written == -EINTR) continue;
      if (written < 0) close_input();
      else session.at += (u32)written;
    }
    session.at = 0;
  } else if (head->type == IN_END) {
    close_input();
  } else if (head->type == IN_SIZE && head->length == 4 && session.terminal >= 0) {
    u16 size[2];
    copy(size, content, 4);
    set_size(size[0], size[1]);
  } else if (head->type == IN_SIGNAL && head->length == 4 && launch.child > 0) {
    copy(&number, content, 4);
    if (number >= 1 && number <= 64) signal_command(number);
  }
  return 1;
}

// Returns 0 while the command's input is full.
static int take_frames(void) {
  struct frame head;
  for (;;) {
    if (session.fill < sizeof head) return 1;
    copy(&head, buffer, sizeof head);
    if (head.length > CHUNK) signal_command(9), leave(1); // not our protocol
    if (session.fill < sizeof head + head.length) return 1;
    if (!take_frame(&head, buffer + sizeof head)) return 0;
    session.fill -= (u32)sizeof head + head.length;
    __builtin_memmove(buffer, buffer + sizeof head + head.length, session.fill);
  }
}

static int read_input(void) {
  const long got = retry(sys(read, 0, buffer + session.fill, sizeof buffer - session.fill));
  if (got <= 0) desert();
  else session.fill += (u32)got;
  return !session.deserted;
}

// ---- output ----

static u32 pass_on(i32 *fd, u8 type) {
  static u8 chunk[CHUNK];
  u32 passed = 0;
  for (int rounds = 0; rounds < 8 && *fd >= 0 && !outgoing.fill; rounds++) {
    const long got = retry(sys(read, *fd, chunk, sizeof chunk));
    if (got == -EAGAIN) break;
    if (got <= 0) { // EIO: the last program closed the terminal
      if (*fd != session.terminal) close_fd(*fd);
      *fd = -1;
      break;
    }
    send_frame(type, chunk, (u32)got);
    passed += (u32)got;
  }
  return passed;
}

// What the command had written when it ended.
static void pass_on_rest(void) {
  u32 total = 0, passed = 1;
  for (; passed && total < LAST_BYTES && !session.deserted; total += passed) {
    deliver();
    passed = pass_on(&session.output, OUT_DATA);
    deliver();
    passed += pass_on(&session.errors, OUT_ERROR);
  }
  deliver();
}

static void hear_command(void) {
  struct status status;
  for (;;) {
    const long got = retry(sys(read, supervisor.status, &status, sizeof status));
    if (got == -EAGAIN) return;
    if (got != sizeof status) break;
    if (status.kind == STATUS_FAILED) session.end = (struct session_end){2, 0, 0, status.step, status.error};
    session.executing |= status.kind == STATUS_EXECUTING;
  }
  close_fd(supervisor.status), supervisor.status = -1;
  if (session.executing && session.end.kind != 2) send_frame(OUT_STARTED, &launch.child, 4);
  set_capabilities(1ull << CAP_KILL);
}

static void reap_session(void) {
  u8 info[128];
  while (sys(read, supervisor.signals, info, sizeof info) == sizeof info);
  siginfo_t ended;
  zero(&ended, sizeof ended);
  if (launch.child <= 0 || failed(sys(waitid, 1 /* P_PID */, launch.child, &ended, WEXITED | WNOHANG, NULL))) return;
  if (ended.si_pid != launch.child) return;
  if (supervisor.status >= 0) hear_command();
  if (session.end.kind != 2) session.end = (struct session_end){1, ended.si_code, ended.si_status, 0, 0};
  session.ended = 1;
  launch.child = 0;
}

void session_failed(u32 step, i32 error) {
  signal_command(9);
  const struct session_end end = {2, 0, 0, step, error};
  send_frame(OUT_END, &end, sizeof end);
  deliver();
  leave(125);
  __builtin_unreachable();
}

void run_session(void) {
  close_slots();
  int flowing = take_frames();
  while (!session.ended) {
    const int taken = !outgoing.fill;
    struct pollfd sources[] = {
        {supervisor.status, POLLIN, 0},
        {supervisor.signals, POLLIN, 0},
        {taken ? session.output : -1, POLLIN, 0},
        {taken ? session.errors : -1, POLLIN, 0},
        // Even when nothing more can be taken, its end is heard.
        {session.deserted ? -1 : 0, flowing ? POLLIN : 0, 0},
        {flowing || session.deserted ? -1 : session.input, POLLOUT, 0},
        {taken || session.deserted ? -1 : 1, POLLOUT, 0},
    };
    sys(ppoll, sources, COUNT(sources), NULL, NULL, 8);
    if (sources[0].revents) hear_command();
    if (sources[2].revents) pass_on(&session.output, OUT_DATA);
    if (sources[3].revents) pass_on(&session.errors, OUT_ERROR);
    if (sources[4].revents && flowing) flowing = read_input();
    else if (sources[4].revents) desert();
    if (flowing ? sources[4].revents : sources[5].revents) flowing = take_frames();
    if (sources[6].revents) pass_frames();
    if (sources[1].revents) reap_session();
  }
  pass_on_rest();
  send_frame(OUT_END, &session.end, sizeof session.end);
  deliver();
  leave(0);
  __builtin_unreachable();
}
