// The control socket: who may speak, reading lines, carrying out requests. port.c documents the protocol.
#include "port.h"

static const char control_name[] = "control.sock";

enum { PATIENCE_MS = 1000, RETRY_MS = 50, MAX_TIMEOUT_MS = 24 * 3600 * 1000, REPLY_BYTES = 40 * 1024 };

enum requester_state { NOBODY, READING, DRAIN_WAIT, CLOSE_WAIT };
struct requester {
  int fd;
  enum requester_state state;
  union endpoint backend; // by address: its place in the list may become another's
  u64 wait_by_ms, heard_ms;
  u32 have;
};
static struct requester requesters[MAX_REQUESTERS];
static char lines[MAX_REQUESTERS][MAX_LINE]; // apart, so that a seat that is not taken costs no memory
static int control = -1;
static u64 accept_again_ms;
static char reply[REPLY_BYTES];

static long bind_control(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  copy(address.sun_path, control_name, sizeof control_name);
  const long bound = sys(bind, control, &address, sizeof address);
  if (bound != -EADDRINUSE) return bound;
  const int probe = (int)stream_socket(AF_UNIX);
  const long alive = sys(connect, probe, &address, sizeof address);
  close_fd(probe);
  if (alive != -ECONNREFUSED) return -EADDRINUSE;
  sys(unlinkat, AT_CWD, control_name, 0); // left by one that was killed
  return sys(bind, control, &address, sizeof address);
}

long control_open(void) {
  control = (int)stream_socket(AF_UNIX);
  if (control < 0) return control;
  long result = bind_control();
  if (result == 0) result = sys(listen, control, MAX_REQUESTERS);
  if (result == 0) result = watch(control, EPOLLIN, TAG_CONTROL, 0);
  return result;
}

// From here on another port process may take our place in the folder.
void control_finish(void) {
  if (control < 0) return;
  unwatch(control);
  close_fd(control);
  control = -1;
  sys(unlinkat, AT_CWD, control_name, 0);
}

static void dismiss(struct requester *who) {
  close_fd(who->fd);
  who->state = NOBODY;
  who->have = 0;
}

// When all seats are taken, the one who has been silent for longest and for long enough leaves: it may come again.
static struct requester *seat(void) {
  struct requester *quietest = NULL;
  for (int i = 0; i < MAX_REQUESTERS; i++) {
    struct requester *who = &requesters[i];
    if (who->state == NOBODY) return who;
    if (who->state == READING && (!quietest || who->heard_ms < quietest->heard_ms)) quietest = who;
  }
  if (!quietest || quietest->heard_ms + PATIENCE_MS > port.now_ms) return NULL;
  dismiss(quietest);
  return quietest;
}

static int allowed(int fd) {
  struct credentials peer = {0};
  u32 length = sizeof peer;
  if (sys(getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return 0;
  return peer.uid == 0 || peer.uid == (u32)sys(geteuid);
}

void control_accept(void) {
  const int fd = (int)sys(accept4, control, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && fd != -EAGAIN && fd != -ECONNABORTED) { // out of descriptors or memory: it stays in the queue for now
    unwatch(control);
    accept_again_ms = port.now_ms + RETRY_MS;
  }
  if (fd < 0) return;
  struct requester *who = allowed(fd) ? seat() : NULL;
  if (!who) {
    close_fd(fd);
    return;
  }
  who->fd = fd;
  who->state = READING;
  who->have = 0;
  who->heard_ms = port.now_ms;
  if (watch(fd, EPOLLIN, TAG_REQUESTER, (u32)(who - requesters)) < 0) dismiss(who);
}

// A requester that does not take its answer at once is dropped: nothing here may wait for it.
static void answer(struct requester *who, const char *end) {
  const long length = end - reply;
  if (transmit(who->fd, reply, (usize)length) != length) dismiss(who);
}

static void answer_text(struct requester *who, const char *text) { answer(who, put_text(reply, text)); }

static void answer_number(struct requester *who, u64 value) {
  char *end = put_number(put_text(reply, "ok "), value, 1);
  *end++ = '\n';
  answer(who, end);
}

static void hand_over(struct requester *who) {
  struct descriptor_control control_data = {.length = 20, .level = SOL_SOCKET, .type = SCM_RIGHTS, .fd = port.listener};
  struct part part = {.base = "ok\n", .length = 3};
  struct message message = {.parts = &part, .part_count = 1, .control = &control_data, .control_bytes = sizeof control_data};
  port.handed_over = 1;
  if (sys(sendmsg, who->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 3) dismiss(who);
}

static void set_mode(struct requester *who, const char *word) {
  const int share = word && same(word, "share"), forward = word && same(word, "forward");
  if (!share && !forward) {
    answer_text(who, "error mode: wanted share or forward\n");
    return;
  }
  if (forward && port.mode != FORWARD) begin_forwarding();
  if (share && port.mode != SHARE) begin_sharing();
  answer_text(who, "ok\n");
}

static void wait_for_drain(struct requester *who, const char *address, const char *timeout) {
  union endpoint endpoint;
  u64 timeout_ms;
  if (!address || !timeout || !parse_endpoint(address, &endpoint) || !parse_number(timeout, MAX_TIMEOUT_MS, &timeout_ms)) {
    answer_text(who, "error drain: wanted an address and a time in ms\n");
    return;
  }
  const int backend = backends_find(&endpoint);
  if (backend >= 0) backends_drain(backend);
  if (backend < 0 || !backends[backend].connections || !timeout_ms) {
    answer_number(who, backend < 0 ? 0 : backends[backend].connections);
    return;
  }
  who->state = DRAIN_WAIT;
  who->backend = endpoint;
  who->wait_by_ms = port.now_ms + timeout_ms;
  unwatch(who->fd);
}

static void begin_close(struct requester *who, const char *timeout) {
  u64 timeout_ms;
  if (!timeout || !parse_number(timeout, MAX_TIMEOUT_MS, &timeout_ms)) {
    answer_text(who, "error close: wanted a time in ms\n");
    return;
  }
  control_finish();
  listener_watch(0);
  close_fd(port.listener);
  port.listener = -1;
  port.close_by_ms = port.now_ms + timeout_ms;
  who->state = CLOSE_WAIT;
  unwatch(who->fd);
}

static void carry_out(struct requester *who, char *line) {
  const char *request = next_word(&line);
  if (!request) answer_text(who, "error empty request\n");
  else if (port.close_by_ms) answer_text(who, "error closing\n");
  else if (same(request, "ping")) answer_text(who, "ok constellation-port 1\n");
  else if (same(request, "descriptor")) hand_over(who);
  else if (same(request, "mode")) set_mode(who, next_word(&line));
  else if (same(request, "backends"))
    answer_text(who, backends_replace(line) ? "ok\n" : "error backends: wanted at most 128 addresses; nothing changed\n");
  else if (same(request, "drain")) {
    const char *address = next_word(&line);
    wait_for_drain(who, address, next_word(&line));
  } else if (same(request, "stats")) answer(who, put_stats(reply));
  else if (same(request, "close")) begin_close(who, next_word(&line));
  else answer_text(who, "error unknown request\n");
}

void control_event(u32 index) {
  struct requester *who = &requesters[index];
  if (who->state != READING) return;
  char *const text = lines[index];
  const long got = receive(who->fd, text + who->have, MAX_LINE - who->have);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) {
    dismiss(who);
    return;
  }
  who->have += (u32)got;
  who->heard_ms = port.now_ms;
  u32 start = 0;
  while (who->state == READING) {
    const u32 end = (u32)find_byte(text, start, who->have, '\n');
    if (end == who->have) break;
    text[end] = 0;
    carry_out(who, text + start);
    start = end + 1;
  }
  if (who->state != READING) {
    who->have = 0; // what was sent behind a request that waits is not read
    return;
  }
  who->have -= start;
  for (u32 i = 0; i < who->have; i++) text[i] = text[start + i];
  if (who->have == MAX_LINE) {
    answer_text(who, "error line too long\n");
    dismiss(who);
  }
}

int control_timeout_ms(void) {
  if (port.close_by_ms || accept_again_ms) return 20;
  for (int i = 0; i < MAX_REQUESTERS; i++)
    if (requesters[i].state == DRAIN_WAIT) return 20;
  return -1;
}

static void finish_drain(struct requester *who) {
  const int index = backends_find(&who->backend);
  const u32 left = index < 0 ? 0 : backends[index].connections;
  if (left && port.now_ms < who->wait_by_ms) return;
  who->state = READING;
  if (watch(who->fd, EPOLLIN, TAG_REQUESTER, (u32)(who - requesters)) < 0) dismiss(who);
  else answer_number(who, left);
}

void control_tick(void) {
  if (accept_again_ms && accept_again_ms <= port.now_ms && control >= 0) {
    accept_again_ms = 0;
    watch(control, EPOLLIN, TAG_CONTROL, 0);
  }
  for (int i = 0; i < MAX_REQUESTERS; i++)
    if (requesters[i].state == DRAIN_WAIT) finish_drain(&requesters[i]);
  if (!port.close_by_ms || (connections_active() && port.now_ms < port.close_by_ms)) return;
  for (int i = 0; i < MAX_REQUESTERS; i++)
    if (requesters[i].state == CLOSE_WAIT) answer_number(&requesters[i], connections_active());
  leave_clean(0);
}
