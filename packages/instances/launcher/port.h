// What the parts of the port process share. port.c says what the program is for.
#ifndef PORT_H
#define PORT_H

#include "port_sys.h"

enum { MAX_BACKENDS = 128, MAX_REQUESTERS = 16, MAX_LINE = 8192, MAX_EVENTS = 64 };

enum mode { SHARE, FORWARD };

union endpoint {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

// What an epoll event belongs to: the high half of its 64 bits; the low half is an index.
enum tag { TAG_LISTENER, TAG_CONTROL, TAG_SIGNAL, TAG_REQUESTER, TAG_CLIENT_SIDE, TAG_SERVER_SIDE };

struct counters {
  uint64_t accepted, forwarded, expired, aborted, connect_failures, bytes_in, bytes_out;
};

struct port {
  int listener, epoll, control, signals;
  enum mode mode;
  union endpoint address;
  uint64_t now_ms, hold_ms;
  uint64_t close_by_ms; // 0: not closing
  struct counters counters;
};
extern struct port port;

// port_text.c: the few conversions the protocol needs.
struct text { char *at, *end; };
void put(struct text *text, const char *string);
void put_number(struct text *text, uint64_t value);
void put_endpoint(struct text *text, const union endpoint *endpoint);
char *next_word(char **line);
int same(const char *a, const char *b);
int parse_number(const char *word, uint64_t limit, uint64_t *value);
int parse_endpoint(const char *word, union endpoint *endpoint);
unsigned endpoint_bytes(const union endpoint *endpoint);

// port_events.c: the one epoll set.
long watch(int fd, uint32_t events, enum tag tag, uint32_t index);
void unwatch(int fd);

// port_backends.c: where connections go.
enum backend_state { ABSENT, ACTIVE, DRAINING };
struct backend {
  union endpoint address;
  enum backend_state state;
  uint32_t connections, penalty_ms;
  uint64_t total, failures, down_until_ms;
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
  int fd;
  uint8_t readable, writable, hung_up; // what epoll last said
  uint8_t finished;                    // nothing more is read from this side
  uint16_t pipe;                       // carries what was read here and not yet written to the other side
  uint32_t in_pipe;
};
struct connection {
  struct side side[2];
  uint8_t state, starving;
  int16_t backend;
  uint32_t previous, next; // in the list of pending, starving, closed or free ones
  uint64_t deadline_ms, connect_by_ms;
};
void connections_open(uint32_t limit);
void connections_accept(void);
void connections_event(uint32_t index, int which, uint32_t events);
void connections_tick(void);
void connections_reap(void);
void connections_starve(struct connection *connection);
void connections_close(struct connection *connection, int abort);
int connections_pending(void);
uint32_t connections_active(void);
uint32_t connections_waiting(void);
void listener_watch(int wanted);

// port_pump.c: bytes from one side to the other.
enum { NO_PIPE = 0xffff };
void pump(struct connection *connection);
void pump_release(struct side *side);
int pump_has_pipe(void);
uint32_t pump_pipes(void);

// port_control.c: the Unix socket over which the daemon speaks with us.
void control_open(void);
void control_accept(void);
void control_event(uint32_t index);
void control_tick(void);
void control_closed(void);
int control_pending(void);

#endif
