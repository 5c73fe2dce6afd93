// The part of a warm Node that JavaScript cannot do: take descriptors from its supervisor, give them their numbers, lower
// its limits, and say in `ps` what it runs. A Node-API module (https://nodejs.org/api/n-api.html: its ABI is stable) that
// needs no header and no library; what it calls is in the node program itself.
#include "sys.h"

#include <linux/fcntl.h>
#include <linux/resource.h>

#include "socket.h"
#include "supervise.h"

typedef struct napi_env_ *napi_env;
typedef struct napi_value_ *napi_value;
typedef int napi_status;
typedef napi_value (*napi_callback)(napi_env, void *info);
#define ALL ((usize)-1)

napi_status napi_create_function(napi_env, const char *, usize, napi_callback, void *, napi_value *);
napi_status napi_set_named_property(napi_env, napi_value, const char *, napi_value);
napi_status napi_get_cb_info(napi_env, void *, usize *, napi_value *, napi_value *, void **);
napi_status napi_get_value_int64(napi_env, napi_value, i64 *);
napi_status napi_get_buffer_info(napi_env, napi_value, void **, usize *);
napi_status napi_create_array(napi_env, napi_value *);
napi_status napi_create_int32(napi_env, i32, napi_value *);
napi_status napi_set_element(napi_env, napi_value, u32, napi_value);

// Numbers among the arguments; returns how many there are.
static usize numbers(napi_env env, void *info, i64 *out, usize room) {
  napi_value given[4];
  usize count = room;
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL)) return 0;
  for (usize i = 0; i < count && i < room; i++)
    if (napi_get_value_int64(env, given[i], &out[i])) return i;
  return count < room ? count : room;
}

static napi_value number(napi_env env, long value) {
  napi_value result = NULL;
  napi_create_int32(env, (i32)value, &result);
  return result;
}

// warm(socket): tells the supervisor that this is as warm as it will get
static napi_value warm(napi_env env, void *info) {
  const struct channel_message warm = {.kind = CHANNEL_WARM};
  i64 to[1];
  if (numbers(env, info, to, 1) == 1) send_fds((i32)to[0], &warm, sizeof warm, NULL, 0);
  return NULL;
}

// receive(socket): waits for the supervisor's next message; the descriptors that came with it, or undefined when the
// supervisor is gone
static napi_value receive(napi_env env, void *info) {
  struct channel_message message;
  i64 from[1];
  i32 fds[FDS_MAX];
  napi_value result = NULL, element;
  if (numbers(env, info, from, 1) != 1) return NULL;
  long got = receive_fds((i32)from[0], &message, sizeof message, fds, FDS_MAX);
  // Who is roused late may have been told already.
  while (got == sizeof message && message.kind == CHANNEL_ROUSE) {
    const long next = receive_fds_with((i32)from[0], &message, sizeof message, fds, FDS_MAX, MSG_DONTWAIT);
    if (next == -EAGAIN) break;
    got = next;
  }
  if (got <= 0 || napi_create_array(env, &result)) return NULL;
  for (u32 i = 0; i < FDS_MAX && fds[i] >= 0; i++) {
    element = number(env, fds[i]);
    napi_set_element(env, result, i, element);
  }
  return result;
}

// place(descriptor, number): the descriptor gets this number; 0 or a negated errno
static napi_value place(napi_env env, void *info) {
  i64 of[2];
  if (numbers(env, info, of, 2) != 2) return number(env, -EINVAL);
  const long placed = of[0] == of[1] ? of[1] : sys(dup3, of[0], of[1], O_CLOEXEC);
  if (!failed(placed) && of[0] != of[1]) sys(close, of[0]);
  return number(env, failed(placed) ? placed : 0);
}

// copy(descriptor): the same once more; its number or a negated errno
static napi_value copy_of(napi_env env, void *info) {
  i64 of[1];
  if (numbers(env, info, of, 1) != 1) return number(env, -EINVAL);
  return number(env, sys(fcntl, of[0], F_DUPFD_CLOEXEC, 3));
}

// shut(first, last): closes these descriptors
static napi_value shut(napi_env env, void *info) {
  i64 of[2];
  if (numbers(env, info, of, 2) == 2 && of[0] > 2 && of[0] <= of[1]) sys(close_range, of[0], of[1], 0);
  return NULL;
}

// limit(resource, value): setrlimit(2), soft and hard, never above what holds already; 0 or a negated errno
static napi_value limit(napi_env env, void *info) {
  i64 of[2];
  if (numbers(env, info, of, 2) != 2) return number(env, -EINVAL);
  struct rlimit64 now;
  const long read = sys(prlimit64, 0, of[0], NULL, &now);
  if (failed(read)) return number(env, read);
  const u64 value = (u64)of[1] < now.rlim_max ? (u64)of[1] : now.rlim_max;
  const struct rlimit64 wanted = {value, value};
  return number(env, sys(prlimit64, 0, of[0], &wanted, NULL));
}

// What the kernel shows of a process, as PR_SET_MM_MAP takes it (prctl(2); linux/prctl.h, struct prctl_mm_map).
struct memory_map {
  u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
  u64 arg_start, arg_end, env_start, env_end;
  u64 *auxv;
  u32 auxv_size, exe_fd;
};

// show(places, words, environment): the command line and the environment that /proc shows. `places` are ten numbers of
// /proc/self/stat, in the order of the structure above without brk. The words are written where they are, because the
// process title lives there; the environment gets a place of its own. 0 or a negated errno.
static napi_value show(napi_env env, void *info) {
  napi_value given[3];
  usize count = 3, length[3];
  void *bytes[3];
  if (napi_get_cb_info(env, info, &count, given, NULL, NULL) || count != 3) return number(env, -EINVAL);
  for (u32 i = 0; i < 3; i++)
    if (napi_get_buffer_info(env, given[i], &bytes[i], &length[i])) return number(env, -EINVAL);
  if (length[0] != 80) return number(env, -EINVAL);
  const u64 *const at = bytes[0];
  const u64 start = at[6], room = at[7] - at[6];
  if (length[1] == 0 || length[1] > room) return number(env, -E2BIG);
  const long fresh = sys(mmap, 0, length[2] + 1, 3 /* READ | WRITE */, 0x22 /* PRIVATE | ANONYMOUS */, -1, 0);
  if (failed(fresh)) return number(env, fresh);
  for (usize i = 0; i < length[2]; i++) ((volatile u8 *)fresh)[i] = ((const u8 *)bytes[2])[i];
  for (u64 i = 0; i < room; i++) ((volatile u8 *)start)[i] = i < length[1] ? ((const u8 *)bytes[1])[i] : 0;
  const struct memory_map map = {at[0], at[1], at[2], at[3], at[4], (u64)sys(brk, 0), at[5], start, start + length[1],
                                 (u64)fresh, (u64)fresh + length[2], NULL, 0, ~0u};
  return number(env, sys(prctl, 35 /* PR_SET_MM */, 14 /* PR_SET_MM_MAP */, &map, sizeof map, 0));
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"warm", warm}, {"receive", receive}, {"place", place}, {"copy", copy_of}, {"shut", shut}, {"limit", limit}, {"show", show}};
  for (u32 i = 0; i < COUNT(functions); i++) {
    napi_value function = NULL;
    if (napi_create_function(env, functions[i].name, ALL, functions[i].call, NULL, &function)) return NULL;
    if (napi_set_named_property(env, exports, functions[i].name, function)) return NULL;
  }
  return exports;
}
