// The port process owns one public port of an app: it makes the listening socket and keeps it open for as long as the app
// lives, through restarts of the app's instances and of the daemon. It answers on the Unix socket `control.sock` in its
// folder and has no other business:
//   share    it never accepts; instances get the listening descriptor itself, and the kernel balances between them
//   forward  it accepts, and carries each connection to the backend that has the fewest
//
//   port <folder> <address> <backlog> <share|forward> <max-connections> <hold-ms> [pid…]
// takes the listening socket of that address from one of the processes named, when one has it and lets us; else makes one,
// prints "ok <pid> <port>" once it serves, or "error <step> <errno>", and ends on SIGTERM.
//   port wait <room>
// is started ahead: it reads these words from its input, each closed by a zero and all of them by one more, then does the
// same; it ends when they do not come. Where its own words stand, as much of theirs is put as there is room for: `ps` and
// whoever looks for the owner of a port shall find them.
// Addresses are "127.0.0.1:80" or "[0000:0000:0000:0000:0000:0000:0000:0001]:80", with all eight groups.
//
// The control protocol, version 1: requests and answers are lines; answers begin with "ok" or "error" and come in the
// order of the requests. Only root and our own user may speak.
//   ping                   ok constellation-port 1
//   descriptor             ok, with the listening descriptor as SCM_RIGHTS
//   mode share|forward     ok; connections that are open stay
//   backends [address…]    ok; replaces the list at once. One that is gone from it keeps the connections it has
//   drain <address> <ms>   ok <connections left>; no new ones, answered when none is left or the time is over
//   stats                  ok {…JSON…}
//   close <ms>             ok <connections cut>; frees the port at once, ends when the last connection has, or then
// While no backend takes a connection it is held for <hold-ms>, then reset. A line has at most 8191 bytes.
#include <linux/signalfd.h>

#include "port.h"

enum { MAX_EVENTS = 64, RESERVED_FDS = 2 * MAX_REQUESTERS, FIRST_HOLDER = 7, HOLDER_FDS = 256 };
enum { WORDS_BYTES = 8192, WORDS_MAX = 128 };

struct port port = {.listener = -1, .epoll = -1};
static int signals = -1;

long watch(int fd, u32 events, enum tag tag, u32 index) {
  struct epoll_event event = {.events = events, .data = (u64)tag << 32 | index};
  return sys(epoll_ctl, port.epoll, EPOLL_CTL_ADD, fd, &event);
}

void unwatch(int fd) {
  struct epoll_event unused = {0};
  sys(epoll_ctl, port.epoll, EPOLL_CTL_DEL, fd, &unused);
}

// O_NONBLOCK belongs to the socket, not to our descriptor of it. We need it to accept; programs that inherit the socket
// expect it to be off, or turn it on for themselves, and then it must stay: their accept would block.
static void listener_nonblocking(int wanted) {
  const long flags = sys(fcntl, port.listener, F_GETFL, 0);
  sys(fcntl, port.listener, F_SETFL, wanted ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

void begin_forwarding(void) {
  port.found_nonblocking = (sys(fcntl, port.listener, F_GETFL, 0) & O_NONBLOCK) != 0;
  port.handed_over = 0;
  port.mode = FORWARD;
  listener_nonblocking(1);
  listener_watch(1);
}

void begin_sharing(void) {
  port.mode = SHARE;
  listener_watch(0);
  if (!port.found_nonblocking && !port.handed_over) listener_nonblocking(0);
}

void leave_clean(int code) {
  control_finish();
  leave(code);
}

static void report(const char *step, long result) {
  char text[128];
  char *end = put_text(put_text(put_text(text, "error "), step), " ");
  end = put_number(end, (u64)-result, 1);
  *end++ = '\n';
  write_all(1, text, (usize)(end - text));
  leave(1);
}

static void must(const char *step, long result) {
  if (failed(result)) report(step, result);
}

static int is_our_listener(int fd) {
  i32 listening = 0;
  u32 length = sizeof listening;
  if (failed(sys(getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length)) || !listening) return 0;
  union endpoint bound = {0};
  length = sizeof bound;
  if (failed(sys(getsockname, fd, &bound, &length)) || bound.any.family != port.address.any.family) return 0;
  // The scope of an IPv6 address and padding do not count: what both print as is what they are.
  char one[64] = {0}, other[64] = {0};
  put_endpoint(one, &bound);
  put_endpoint(other, &port.address);
  return same(one, other);
}

// A port process that was killed leaves its socket with the instances that share it. Taking it back from one of them
// (Linux 5.6; needs the right to trace it) interrupts nobody: a new socket could be bound only after the last had ended.
static int take_listener(const char *holder) {
  u64 pid;
  if (!parse_number(holder, 0x7fffffff, &pid)) report("holder", -EINVAL);
  const long process = sys(pidfd_open, pid, 0);
  if (failed(process)) return 0;
  for (int theirs = 0; theirs < HOLDER_FDS && port.listener < 0; theirs++) {
    const long fd = sys(pidfd_getfd, process, theirs, 0);
    if (fd == -EPERM || fd == -ESRCH || fd == -ENOSYS) break;
    if (failed(fd)) continue;
    if (is_our_listener((int)fd)) port.listener = (int)fd;
    else close_fd((int)fd);
  }
  close_fd((int)process);
  return port.listener >= 0;
}

static void open_listener(int backlog) {
  port.listener = (int)stream_socket(port.address.any.family);
  must("socket", port.listener);
  must("reuse", set_option(port.listener, SOL_SOCKET, SO_REUSEADDR, 1));
  if (port.address.any.family == AF_INET6) must("dual", set_option(port.listener, IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, 0));
  must("bind", sys(bind, port.listener, &port.address, endpoint_bytes(&port.address)));
  must("listen", sys(listen, port.listener, backlog));
  u32 length = sizeof port.address;
  must("name", sys(getsockname, port.listener, &port.address, &length));
}

static void open_signals(void) {
  const u64 stop = 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1), set = stop | 1ull << (SIGPIPE - 1);
  must("sigprocmask", sys(rt_sigprocmask, 2 /* SIG_SETMASK */, &set, 0, sizeof set));
  signals = (int)sys(signalfd4, -1, &stop, sizeof stop, SFD_CLOEXEC | SFD_NONBLOCK);
  must("signalfd", signals);
  must("watch", watch(signals, EPOLLIN, TAG_SIGNAL, 0));
}

// Every connection can need two descriptors, and every pipe two more.
static u32 affordable_connections(u64 wanted) {
  struct limit limit = {0, 0};
  must("prlimit", sys(prlimit64, 0, RLIMIT_NOFILE, 0, &limit));
  limit.soft = limit.hard;
  sys(prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
  const u64 spoken_for = RESERVED_FDS + 2 * MAX_PIPES;
  const u64 affordable = limit.hard > spoken_for + 64 ? (limit.hard - spoken_for) / 2 : 32;
  return (u32)(wanted < affordable ? wanted : affordable);
}

static void announce(void) {
  char text[64];
  char *end = put_number(put_text(text, "ok "), (u64)sys(getpid), 1);
  *end++ = ' ';
  end = put_number(end, network_order(port.address.v4.sin_port), 1); // at the same place in both kinds of address
  *end++ = '\n';
  const long written = write_all(1, text, (usize)(end - text));
  if (failed(written)) leave_clean(1); // nobody knows of us
  const int nothing = (int)sys(openat, AT_CWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
  for (int fd = 0; fd < 3; fd++) sys(dup3, nothing, fd, 0);
  close_fd(nothing);
}

static void dispatch(const struct epoll_event *event) {
  const u32 index = (u32)event->data;
  switch ((enum tag)(event->data >> 32)) {
    case TAG_LISTENER: connections_accept(); break;
    case TAG_CONTROL: control_accept(); break;
    case TAG_SIGNAL: leave_clean(0); break;
    case TAG_REQUESTER: control_event(index); break;
    case TAG_CLIENT_SIDE: connections_event(index, CLIENT, event->events); break;
    case TAG_SERVER_SIDE: connections_event(index, SERVER, event->events); break;
  }
}

static void serve(void) {
  struct epoll_event events[MAX_EVENTS];
  for (;;) {
    const int a = connections_timeout_ms(), b = control_timeout_ms();
    const int timeout_ms = a < 0 ? b : b < 0 ? a : a < b ? a : b;
    const long count = sys(epoll_pwait, port.epoll, events, MAX_EVENTS, timeout_ms, 0, 8);
    port.now_ms = now_ms();
    for (long i = 0; i < count; i++) dispatch(&events[i]);
    connections_tick();
    connections_reap();
    control_tick();
  }
}

static u64 number(const char *step, const char *word, u64 limit) {
  u64 value;
  if (!parse_number(word, limit, &value)) report(step, -EINVAL);
  return value;
}

// Whoever started us ahead says now what port it is; nothing is done with half of what it says.
static int wait_for_words(char **argv, char **words) {
  static char text[WORDS_BYTES];
  usize length = 0;
  while (length < 2 || text[length - 1] || text[length - 2]) {
    const long got = retry(sys(read, 0, text + length, sizeof text - length));
    if (got <= 0) leave(0);
    length += (usize)got;
  }
  const char *const end = argv[2] + length_of(argv[2]);
  usize at = 0;
  for (char *shown = argv[1]; shown < end; at++) *shown++ = at + 1 < length ? text[at] : 0;
  int count = 1;
  for (char *word = text; *word && count < WORDS_MAX; count++) {
    words[count] = word;
    word += length_of(word) + 1;
  }
  return count;
}

int program(int argc, char **argv, char **env) {
  (void)env;
  static char *told[WORDS_MAX];
  if (argc == 3 && same(argv[1], "wait")) argc = wait_for_words(argv, told), argv = told;
  if (argc < FIRST_HOLDER) report("arguments", -EINVAL);
  if (!parse_endpoint(argv[2], &port.address)) report("address", -EINVAL);
  const int backlog = (int)number("backlog", argv[3], 65535);
  const u64 wanted = number("max-connections", argv[5], 1000000);
  port.hold_ms = number("hold", argv[6], 3600 * 1000);
  port.now_ms = now_ms();

  sys(umask, 077);
  must("chdir", sys(chdir, argv[1]));
  port.epoll = (int)sys(epoll_create1, O_CLOEXEC);
  must("epoll", port.epoll);
  open_signals();
  for (int at = FIRST_HOLDER; at < argc && !take_listener(argv[at]);) at++;
  const int taken = port.listener >= 0;
  if (taken) port.handed_over = 1; // it stays as the programs that have it want it
  else open_listener(backlog);
  connections_open(affordable_connections(wanted));
  must("control", control_open());
  if (!taken) listener_nonblocking(0); // made non-blocking, like every socket here
  if (same(argv[4], "forward")) begin_forwarding();
  announce();
  serve();
  return 0;
}
