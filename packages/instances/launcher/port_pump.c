// Carries bytes between the two sides of an open connection. A message smaller than a page goes through one shared
// buffer; more goes through a pipe by splice(2), so that it is not copied. A pipe is held only while it has bytes in it
// that the other side does not take yet: an idle connection costs no pipe, and a slow reader holds its writer back.
#include "port.h"

enum {
  SPARE_PIPES = 16,    // kept open for the next one
  PAGE = 4096,         // what even the smallest pipe takes whole
  CHUNK = 1 << 20,     // asked of one splice; the pipe's own size is the limit
  ROUNDS = 16,         // per event, so that one fast connection does not keep the others waiting
};

static int pipe_ends[MAX_PIPES][2];
static u16 spare[SPARE_PIPES];
static u16 spares, held, used;
static u16 unopened[MAX_PIPES]; // of those below `used`
static u16 unopened_count;
static int exhausted;
static char page[PAGE];

// No pipe was to be had; the connections that want one wait.
int pump_exhausted(void) { return exhausted; }

u32 pump_pipes(void) { return held; }

static int open_pipe(void) {
  if (!unopened_count && used == MAX_PIPES) return NO_PIPE;
  const u16 index = unopened_count ? unopened[--unopened_count] : used++;
  if (sys(pipe2, pipe_ends[index], O_CLOEXEC | O_NONBLOCK) == 0) return index;
  unopened[unopened_count++] = index;
  return NO_PIPE;
}

static int acquire(struct side *side) {
  if (side->pipe != NO_PIPE) return 1;
  side->pipe = spares ? spare[--spares] : (u16)open_pipe();
  exhausted = side->pipe == NO_PIPE;
  held += !exhausted;
  return !exhausted;
}

void pump_release(struct side *side) {
  if (side->pipe == NO_PIPE) return;
  u16 index = side->pipe;
  side->pipe = NO_PIPE;
  held--;
  exhausted = 0;
  if (side->in_pipe == 0 && spares < SPARE_PIPES) {
    spare[spares++] = index;
    return;
  }
  side->in_pipe = 0;
  close_fd(pipe_ends[index][0]);
  close_fd(pipe_ends[index][1]);
  unopened[unopened_count++] = index;
}

enum outcome { MOVED, BLOCKED, ENDED, BROKEN_SOURCE, BROKEN_TARGET, NO_PIPE_LEFT };

// Empties the pipe into the other side.
static enum outcome flush(struct side *from, struct side *to) {
  while (from->in_pipe) {
    long moved = move_bytes(pipe_ends[from->pipe][0], to->fd, from->in_pipe);
    if (moved == -EINTR) continue;
    if (moved == -EAGAIN) {
      to->writable = 0;
      return BLOCKED;
    }
    if (moved <= 0) return BROKEN_TARGET;
    from->in_pipe -= (u32)moved;
  }
  to->writable = 1;
  return MOVED;
}

// Up to one page through the shared buffer; `*whole` says that there may be more.
static enum outcome carry_page(struct side *from, struct side *to, u64 *counter, int *more) {
  long got = receive(from->fd, page, PAGE);
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
  *counter += (u64)got;
  long sent = transmit(to->fd, page, (usize)got);
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR) return BROKEN_TARGET;
  if (sent < 0) sent = 0;
  if (sent == got) return MOVED;
  if (sys(write, pipe_ends[from->pipe][1], page + sent, got - sent) != got - sent) return BROKEN_TARGET;
  from->in_pipe = (u32)(got - sent);
  to->writable = 0;
  return BLOCKED;
}

static enum outcome carry_pipe(struct side *from, struct side *to, u64 *counter) {
  long got = move_bytes(from->fd, pipe_ends[from->pipe][1], CHUNK);
  if (got == 0) return ENDED;
  if (got == -EINTR) return MOVED;
  if (got == -EAGAIN) {
    from->readable = 0;
    return BLOCKED;
  }
  if (got < 0) return BROKEN_SOURCE;
  *counter += (u64)got;
  from->in_pipe = (u32)got;
  return flush(from, to);
}

static enum outcome carry(struct side *from, struct side *to, u64 *counter) {
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
      sys(shutdown, to->fd, SHUT_WR);
      break;
    case BROKEN_TARGET: // it reads no more, but what it wrote before may still be on its way
      connection->broken = 1;
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
    connections_close(connection, connection->broken);
}
