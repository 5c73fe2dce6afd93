// What the parts of the port process share. port.c says what the program is for.
#pragma once

#include "port_sys.h"

enum { MAX_BACKENDS = 128, MAX_REQUESTERS = 64, MAX_LINE = 8192 };

enum mode { SHARE, FORWARD };

union endpoint {
  struct address any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

// What an epoll event belongs to: the high half of its 64 bits; the low half is an index.
enum tag { TAG_LISTENER, TAG_CONTROL, TAG_SIGNAL, TAG_REQUESTER, TAG_CLIENT_SIDE, TAG_SERVER_SIDE };

struct counters {
  u64 accepted, forwarded, expired, aborted, connect_failures, bytes_in, bytes_out;
};

struct port {
  int listener, epoll;
  enum mode mode;
  int found_nonblocking, handed_over; // since we forward: what the socket was before, and whether a program got it
  union endpoint address;
  u64 now_ms, hold_ms;
  u64 close_by_ms; // 0: not closing
  struct counters counters;
};
extern struct port port;

// port.c
long watch(int fd, u32 events, enum tag tag, u32 index);
void unwatch(int fd);
void begin_forwarding(void);
void begin_sharing(void);
void leave_clean(int code);

// port_text.c: the few conversions the protocol needs.
char *put_endpoint(char *end, const union endpoint *endpoint);
char *next_word(char **line);
int parse_number(const char *word, u64 limit, u64 *value);
int parse_endpoint(const char *word, union endpoint *endpoint);
u32 endpoint_bytes(const union endpoint *endpoint);

// port_backends.c: where connections go.
enum backend_state { ABSENT, ACTIVE, DRAINING };
struct backend {
  union endpoint address;
  enum backend_state state;
  u32 connections, penalty_ms;
  u64 total, failures, down_until_ms;
};
extern struct backend backends[MAX_BACKENDS];
int backends_replace(char *words);
int backends_find(const union endpoint *endpoint);
int backends_choose(void);
void backends_drain(int index);
void backends_failed(int index);
void backends_served(int index);
void backends_release(int index);

// port_connections.c: accepted connections and where each of them stands.
enum { CLIENT, SERVER };
enum connection_state {
  FREE,
  WAITING,    // accepted; no backend can take it yet
  CONNECTING, // on its way to a backend
  OPEN,
  CLOSED, // its slot is free again after the current round of events
};
struct side {
  i32 fd;
  u8 readable, writable, hung_up; // what epoll last said
  u8 finished;                    // nothing more is read from this side
  u16 pipe;                       // carries what was read here and not yet written to the other side
  u32 in_pipe;
};
struct connection {
  struct side side[2];
  u8 state, starving;
  u8 broken; // one side was reset: the other must not see a proper end
  i32 backend;
  u32 previous, next; // in the list of pending, starving, closed or free ones
  u64 deadline_ms, connect_by_ms;
};
void connections_open(u32 maximum);
void connections_accept(void);
void connections_event(u32 index, int which, u32 events);
void connections_tick(void);
void connections_reap(void);
void connections_starve(struct connection *connection);
void connections_close(struct connection *connection, int abort);
int connections_timeout_ms(void);
u32 connections_active(void);
u32 connections_waiting(void);
void listener_watch(int wanted);

// port_pump.c: bytes from one side to the other.
enum { MAX_PIPES = 1024, NO_PIPE = 0xffff };
void pump(struct connection *connection);
void pump_release(struct side *side);
int pump_exhausted(void);
u32 pump_pipes(void);

// port_control.c: the Unix socket over which the daemon speaks with us; port_stats.c: one of its answers.
long control_open(void);
void control_accept(void);
void control_event(u32 index);
void control_tick(void);
void control_finish(void);
int control_timeout_ms(void);
char *put_stats(char *end);
