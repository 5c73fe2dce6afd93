// The list of backends: which are there, which of them gets the next connection, which of them fails.
#include "port.h"

enum { FIRST_PENALTY_MS = 20, LAST_PENALTY_MS = 250 };

struct backend backends[MAX_BACKENDS];
static int last_chosen;

static int same_endpoint(const union endpoint *a, const union endpoint *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

int backends_find(const union endpoint *endpoint) {
  for (int i = 0; i < MAX_BACKENDS; i++)
    if (backends[i].state != ABSENT && same_endpoint(&backends[i].address, endpoint)) return i;
  return -1;
}

void backends_drain(int index) {
  backends[index].state = backends[index].connections ? DRAINING : ABSENT;
}

static void add(const union endpoint *endpoint) {
  int index = backends_find(endpoint);
  for (int i = 0; index < 0 && i < MAX_BACKENDS; i++)
    if (backends[i].state == ABSENT) {
      backends[i] = (struct backend){.address = *endpoint};
      index = i;
    }
  if (index < 0) return; // unreachable: the caller has counted
  backends[index].state = ACTIVE;
  backends[index].down_until_ms = 0;
  backends[index].penalty_ms = 0;
}

static int named(const union endpoint *endpoint, const union endpoint *list, int count) {
  for (int i = 0; i < count; i++)
    if (same_endpoint(endpoint, &list[i])) return 1;
  return 0;
}

// Takes the whole new list or none of it. A backend that is no longer named gets no new connection and keeps its old ones.
int backends_replace(char *words) {
  static union endpoint wanted[MAX_BACKENDS];
  int count = 0, kept = 0;
  for (char *word; (word = next_word(&words)); count++)
    if (count == MAX_BACKENDS || !parse_endpoint(word, &wanted[count])) return 0;
  for (int i = 0; i < MAX_BACKENDS; i++)
    kept += backends[i].state != ABSENT && backends[i].connections > 0 && !named(&backends[i].address, wanted, count);
  if (kept + count > MAX_BACKENDS) return 0;
  for (int i = 0; i < MAX_BACKENDS; i++)
    if (backends[i].state != ABSENT && !named(&backends[i].address, wanted, count)) backends_drain(i);
  for (int w = 0; w < count; w++) add(&wanted[w]);
  return 1;
}

// The active backend with the fewest connections, in turn where several have as few; -1 when none can take one now.
int backends_choose(void) {
  int best = -1;
  for (int i = 1; i <= MAX_BACKENDS; i++) {
    int index = (last_chosen + i) % MAX_BACKENDS;
    struct backend *backend = &backends[index];
    if (backend->state != ACTIVE || backend->down_until_ms > port.now_ms) continue;
    if (best < 0 || backend->connections < backends[best].connections) best = index;
  }
  if (best >= 0) last_chosen = best, backends[best].connections++;
  return best;
}

void backends_failed(int index) {
  struct backend *backend = &backends[index];
  u32 doubled = backend->penalty_ms * 2;
  backend->penalty_ms = doubled == 0 ? FIRST_PENALTY_MS : doubled > LAST_PENALTY_MS ? LAST_PENALTY_MS : doubled;
  backend->down_until_ms = port.now_ms + backend->penalty_ms;
  backend->failures++;
  backends_release(index);
}

void backends_served(int index) {
  backends[index].penalty_ms = 0;
  backends[index].down_until_ms = 0;
  backends[index].total++;
}

void backends_release(int index) {
  backends[index].connections--;
  if (backends[index].state == DRAINING) backends_drain(index);
}
