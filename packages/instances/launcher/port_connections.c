// Accepted connections: each waits for a backend, connects to one, is open, and closes. The table has a fixed size, and
// its memory is touched only as far as connections were open at once.
#include <linux/mman.h>

#include "port.h"

enum { NONE = 0xffffffff, ACCEPTS_PER_ROUND = 64, CONNECT_TIMEOUT_MS = 2000, RETRY_ACCEPT_MS = 50, TICK_MS = 20 };

struct list { u32 first, last, count; };

static struct connection *table;
static u32 limit, touched, active;
static struct list unused = {NONE, NONE, 0}, pending = {NONE, NONE, 0}, starving = {NONE, NONE, 0}, closed = {NONE, NONE, 0};
static int listening;
static u64 accept_again_ms;

static void append(struct list *list, u32 index) {
  table[index].previous = list->last;
  table[index].next = NONE;
  if (list->last != NONE) table[list->last].next = index;
  else list->first = index;
  list->last = index;
  list->count++;
}

static void take_out(struct list *list, u32 index) {
  struct connection *at = &table[index];
  if (at->previous != NONE) table[at->previous].next = at->next;
  else list->first = at->next;
  if (at->next != NONE) table[at->next].previous = at->previous;
  else list->last = at->previous;
  list->count--;
}

static u32 index_of(const struct connection *connection) { return (u32)(connection - table); }

void connections_open(u32 maximum) {
  const long memory = sys(mmap, 0, maximum * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (failed(memory)) return;
  table = (struct connection *)memory;
  limit = maximum;
}

u32 connections_active(void) { return active; }
u32 connections_waiting(void) { return pending.count; }

// How long the loop may sleep because of us; -1: until something happens.
int connections_timeout_ms(void) {
  if (starving.count && !pump_exhausted()) return 0;
  return starving.count || pending.count || accept_again_ms ? TICK_MS : -1;
}

void listener_watch(int wanted) {
  if (wanted == listening) return;
  listening = wanted;
  if (wanted) watch(port.listener, EPOLLIN, TAG_LISTENER, 0);
  else unwatch(port.listener);
}

static u32 fresh(void) {
  u32 index = unused.last; // the one used last: its memory is warm, and the rest of the table stays untouched
  if (index != NONE) take_out(&unused, index);
  else if (touched < limit) index = touched++;
  return index;
}

static void prepare(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1); // the only thing that ever ends a connection to a dead machine
}

static void close_side(struct side *side, int abort) {
  if (side->fd < 0) return;
  if (abort) {
    struct linger now = {1, 0};
    sys(setsockopt, side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close_fd(side->fd);
  side->fd = -1;
}

// `abort`: both peers get a reset, so that neither takes what it has for the whole.
void connections_close(struct connection *connection, int abort) {
  u32 index = index_of(connection);
  if (connection->state == WAITING || connection->state == CONNECTING) take_out(&pending, index);
  if (connection->starving) take_out(&starving, index);
  connection->starving = 0;
  for (int which = 0; which < 2; which++) {
    pump_release(&connection->side[which]);
    close_side(&connection->side[which], abort);
  }
  if (connection->backend >= 0) backends_release(connection->backend);
  connection->backend = -1;
  connection->state = CLOSED;
  port.counters.aborted += abort != 0;
  active--;
  append(&closed, index);
}

// A slot is used again only after the round: events for its last connection may still be in this round's batch.
void connections_reap(void) {
  while (closed.first != NONE) {
    u32 index = closed.first;
    take_out(&closed, index);
    table[index].state = FREE;
    append(&unused, index);
  }
  if (port.mode == FORWARD && !port.close_by_ms && !accept_again_ms && active < limit) listener_watch(1);
}

void connections_starve(struct connection *connection) {
  if (connection->starving) return;
  connection->starving = 1;
  append(&starving, index_of(connection));
}

static void opened(struct connection *connection) {
  take_out(&pending, index_of(connection));
  connection->state = OPEN;
  connection->side[SERVER].writable = 1;
  port.counters.forwarded++;
  backends_served(connection->backend);
  pump(connection);
}

static void unreachable(struct connection *connection) {
  close_side(&connection->side[SERVER], 0);
  connection->side[SERVER] = (struct side){.fd = -1, .pipe = NO_PIPE};
  connection->state = WAITING;
  port.counters.connect_failures++;
  backends_failed(connection->backend);
  connection->backend = -1;
}

// Tries one backend after the other; each that fails is left out for a while, so this ends.
static void seek(struct connection *connection) {
  while (connection->state == WAITING) {
    int backend = backends_choose();
    if (backend < 0) return;
    const union endpoint *address = &backends[backend].address;
    struct side *server = &connection->side[SERVER];
    connection->backend = (i32)backend;
    long fd = stream_socket(address->any.family);
    if (fd < 0) {
      unreachable(connection);
      continue;
    }
    *server = (struct side){.fd = (int)fd, .pipe = NO_PIPE};
    connection->state = CONNECTING;
    connection->connect_by_ms = port.now_ms + CONNECT_TIMEOUT_MS;
    prepare(server->fd);
    long result = sys(connect, server->fd, address, endpoint_bytes(address));
    if (result < 0 && result != -EINPROGRESS) {
      unreachable(connection);
      continue;
    }
    watch(server->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, TAG_SERVER_SIDE, index_of(connection));
    if (result == 0) opened(connection);
  }
}

static void stop_accepting_for_now(void) {
  accept_again_ms = port.now_ms + RETRY_ACCEPT_MS;
  listener_watch(0);
}

void connections_accept(void) {
  for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
    if (active == limit || (closed.count && unused.first == NONE && touched == limit)) {
      listener_watch(0); // the kernel's queue holds them until a slot is free
      return;
    }
    long fd = sys(accept4, port.listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS) stop_accepting_for_now();
    if (fd == -EAGAIN || fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS) return;
    if (fd < 0) continue; // the peer has gone again
    u32 index = fresh();
    struct connection *connection = &table[index];
    *connection = (struct connection){.state = WAITING, .backend = -1, .deadline_ms = port.now_ms + port.hold_ms};
    connection->side[CLIENT] = (struct side){.fd = (int)fd, .writable = 1, .pipe = NO_PIPE};
    connection->side[SERVER] = (struct side){.fd = -1, .pipe = NO_PIPE};
    active++;
    port.counters.accepted++;
    append(&pending, index);
    prepare((int)fd);
    watch((int)fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, TAG_CLIENT_SIDE, index);
    seek(connection);
  }
}

static void connected(struct connection *connection) {
  int error = 0;
  u32 length = sizeof error;
  sys(getsockopt, connection->side[SERVER].fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error) {
    unreachable(connection);
    seek(connection);
    return;
  }
  opened(connection);
}

void connections_event(u32 index, int which, u32 events) {
  struct connection *connection = &table[index];
  struct side *side = &connection->side[which];
  if (connection->state == FREE || connection->state == CLOSED || side->fd < 0) return;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) side->readable = 1;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) side->hung_up = 1;
  if (events & EPOLLOUT) side->writable = 1;
  if (connection->state == OPEN) pump(connection);
  else if (which == CLIENT && events & (EPOLLHUP | EPOLLERR)) connections_close(connection, 1);
  else if (which == SERVER && connection->state == CONNECTING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
    connected(connection);
}

void connections_tick(void) {
  if (accept_again_ms && accept_again_ms <= port.now_ms) accept_again_ms = 0;
  for (u32 left = starving.count; left; left--) {
    struct connection *connection = &table[starving.first];
    take_out(&starving, starving.first);
    connection->starving = 0;
    pump(connection);
  }
  for (u32 index = pending.first, next; index != NONE; index = next) {
    struct connection *connection = &table[index];
    next = connection->next;
    if (connection->deadline_ms <= port.now_ms) {
      port.counters.expired++;
      connections_close(connection, 1);
      continue;
    }
    if (connection->state == CONNECTING && connection->connect_by_ms <= port.now_ms) unreachable(connection);
    if (connection->state == WAITING) seek(connection);
  }
}
