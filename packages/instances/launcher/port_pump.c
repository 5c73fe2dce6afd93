// Carries bytes between the two sides of an open connection. A message smaller than a page goes through one shared
// buffer; more goes through a pipe by splice(2), so that it is not copied. A pipe is held only while it has bytes in it
// that the other side does not take yet: an idle connection costs no pipe, and a slow reader holds its writer back.
#include "port.h"

enum {
  MAX_PIPES = 1024,    // held at once; connections beyond wait for one
  SPARE_PIPES = 16,    // kept open for the next one
  PAGE = 4096,         // what even the smallest pipe takes whole
  CHUNK = 1 << 20,     // asked of one splice; the pipe's own size is the limit
  ROUNDS = 16,         // per event, so that one fast connection does not keep the others waiting
};

static int pipe_ends[MAX_PIPES][2];
static uint16_t spare[MAX_PIPES];
static uint32_t spares, opened, held;
static uint16_t unopened[MAX_PIPES];
static uint32_t unopened_count, ready;
static char page[PAGE];

int pump_has_pipe(void) { return spares > 0 || held < MAX_PIPES; }

uint32_t pump_pipes(void) { return held; }

static int acquire(struct side *side) {
  if (side->pipe != NO_PIPE) return 1;
  if (!ready)
    for (ready = 1; unopened_count < MAX_PIPES; unopened_count++) unopened[unopened_count] = unopened_count;
  if (spares) {
    side->pipe = spare[--spares];
  } else {
    if (!unopened_count) return 0;
    uint16_t fresh = unopened[unopened_count - 1];
    if (sys_pipe(pipe_ends[fresh]) < 0) return 0;
    unopened_count--;
    opened++;
    side->pipe = fresh;
  }
  held++;
  return 1;
}

void pump_release(struct side *side) {
  if (side->pipe == NO_PIPE) return;
  uint16_t index = side->pipe;
  side->pipe = NO_PIPE;
  held--;
  if (side->in_pipe == 0 && spares < SPARE_PIPES) {
    spare[spares++] = index;
    return;
  }
  side->in_pipe = 0;
  sys_close(pipe_ends[index][0]);
  sys_close(pipe_ends[index][1]);
  opened--;
  unopened[unopened_count++] = index;
}

enum outcome { MOVED, BLOCKED, ENDED, BROKEN_SOURCE, BROKEN_TARGET, NO_PIPE_LEFT };

// Empties the pipe into the other side.
static enum outcome flush(struct side *from, struct side *to) {
  while (from->in_pipe) {
    long moved = sys_splice(pipe_ends[from->pipe][0], to->fd, from->in_pipe);
    if (moved == -EINTR) continue;
    if (moved == -EAGAIN) {
      to->writable = 0;
      return BLOCKED;
    }
    if (moved <= 0) return BROKEN_TARGET;
    from->in_pipe -= (uint32_t)moved;
  }
  return MOVED;
}

// Up to one page through the shared buffer; `*whole` says that there may be more.
static enum outcome carry_page(struct side *from, struct side *to, uint64_t *counter, int *more) {
  long got = sys_recv(from->fd, page, PAGE);
  *more = got == PAGE || from->hung_up;
  if (got == 0) return ENDED;
  if (got == -EINTR) return MOVED;
  if (got == -EAGAIN) {
    from->readable = 0;
    return BLOCKED;
  }
  if (got < 0) return BROKEN_SOURCE;
  // After a short read a new byte or the end of the stream makes a new event, unless the end has been announced already.
  if (!*more) from->readable = 0;
  *counter += (uint64_t)got;
  long sent = sys_send(to->fd, page, (size_t)got);
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR) return BROKEN_TARGET;
  if (sent < 0) sent = 0;
  if (sent == got) return MOVED;
  if (sys_write(pipe_ends[from->pipe][1], page + sent, (size_t)(got - sent)) != got - sent) return BROKEN_TARGET;
  from->in_pipe = (uint32_t)(got - sent);
  to->writable = 0;
  return BLOCKED;
}

static enum outcome carry_pipe(struct side *from, struct side *to, uint64_t *counter) {
  long got = sys_splice(from->fd, pipe_ends[from->pipe][1], CHUNK);
  if (got == 0) return ENDED;
  if (got == -EINTR) return MOVED;
  if (got == -EAGAIN) {
    from->readable = 0;
    return BLOCKED;
  }
  if (got < 0) return BROKEN_SOURCE;
  *counter += (uint64_t)got;
  from->in_pipe = (uint32_t)got;
  return flush(from, to);
}

static enum outcome carry(struct side *from, struct side *to, uint64_t *counter) {
  int bulk = 0;
  for (int round = 0; round < ROUNDS; round++) {
    if (from->in_pipe) {
      enum outcome flushed = flush(from, to);
      if (flushed != MOVED) return flushed;
    }
    if (from->finished || !from->readable || !to->writable) return BLOCKED;
    if (!acquire(from)) return NO_PIPE_LEFT;
    enum outcome moved = bulk ? carry_pipe(from, to, counter) : carry_page(from, to, counter, &bulk);
    if (moved != MOVED) return moved;
  }
  return MOVED;
}

// Returns 0 when the connection is gone.
static int pump_from(struct connection *connection, int which) {
  struct side *from = &connection->side[which], *to = &connection->side[!which];
  if (from->finished && !from->in_pipe) return 1;
  enum outcome outcome = carry(from, to, which == CLIENT ? &port.counters.bytes_in : &port.counters.bytes_out);
  switch (outcome) {
    case ENDED:
      from->finished = 1;
      sys_shutdown(to->fd, SHUT_WR);
      break;
    case BROKEN_TARGET: // it reads no more, but what it wrote before may still be on its way
      from->finished = 1;
      from->in_pipe += from->pipe != NO_PIPE; // not clean: must not become a spare
      pump_release(from);
      from->in_pipe = 0;
      break;
    case BROKEN_SOURCE:
      connections_close(connection, 1);
      return 0;
    case NO_PIPE_LEFT:
    case MOVED: // has had its turn
      connections_starve(connection);
      break;
    case BLOCKED: break;
  }
  if (!from->in_pipe) pump_release(from);
  return 1;
}

void pump(struct connection *connection) {
  if (!pump_from(connection, CLIENT) || !pump_from(connection, SERVER)) return;
  if (connection->side[CLIENT].finished && connection->side[SERVER].finished && !connection->side[CLIENT].in_pipe &&
      !connection->side[SERVER].in_pipe)
    connections_close(connection, 0);
}
