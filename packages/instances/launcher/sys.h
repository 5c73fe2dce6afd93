// The floor of every program in this folder: raw Linux system calls for x86-64 and aarch64, and the few memory,
// text and number functions that a program without a C library still needs. Constants and structures come from the
// kernel's own headers (Debian: linux-libc-dev); no libc header is ever included.
#pragma once

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 i32;
typedef __s64 i64;
typedef unsigned long usize;

#define NULL ((void *)0)
#define AT_CWD -100
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STR(text) text, (sizeof(text) - 1)

// ---- system calls: a result from -4095 to -1 is a negated errno, as the kernel returns it ----

#if defined(__x86_64__)
static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
}
#else
#error "only x86-64 and aarch64 are supported"
#endif

// sys(openat, AT_CWD, path, flags) calls __NR_openat with up to six arguments of any integer or pointer type.
#define SYS_ARGS(n, a, b, c, d, e, f, ...) call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(name, ...) SYS_ARGS(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline int failed(long result) { return (unsigned long)result > -4096UL; }

static inline void leave(int code) {
  for (;;) sys(exit_group, code);
}

// The same call again when a signal interrupted it.
#define retry(expression)             \
  ({                                  \
    long result_;                     \
    do result_ = (expression);        \
    while (result_ == -EINTR);        \
    result_;                          \
  })

// clone(2): the child does `work`, which never returns, on a stack of its own. Its number, or a negated errno.
long thread_on(void *stack_end, u64 flags, void (*work)(void), i32 *alive); // start.c

// ---- memory and text ----

void *memcpy(void *to, const void *from, usize length); // start.c; GCC calls these four by itself
void *memmove(void *to, const void *from, usize length);
void *memset(void *to, int byte, usize length);
int memcmp(const void *a, const void *b, usize length);

static inline void copy(void *to, const void *from, usize length) { memcpy(to, from, length); }
static inline void zero(void *to, usize length) { memset(to, 0, length); }

static inline usize length_of(const char *text) {
  usize length = 0;
  while (text[length]) length++;
  return length;
}

static inline int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

// Index of the first `byte` in text[from..to), or `to`. Eight bytes per step: log lines pass through here.
static inline usize find_byte(const char *text, usize from, usize to, u8 byte) {
  const u64 ones = 0x0101010101010101ull, highs = 0x8080808080808080ull, pattern = ones * byte;
  for (; from + 8 <= to; from += 8) {
    u64 word;
    __builtin_memcpy(&word, text + from, 8);
    word ^= pattern;
    const u64 hit = (word - ones) & ~word & highs;
    if (hit) return from + ((usize)__builtin_ctzll(hit) >> 3);
  }
  while (from < to && (u8)text[from] != byte) from++;
  return from;
}

// Appends to a text that has room; each returns the new end, so that calls nest or chain.
static inline char *put_bytes(char *end, const char *text, usize length) {
  copy(end, text, length);
  return end + length;
}
static inline char *put_text(char *end, const char *text) { return put_bytes(end, text, length_of(text)); }

// Decimal, at least `width` digits (zeros in front). At most 20 characters.
static inline char *put_number(char *end, u64 value, int width) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10), value /= 10;
  while (value);
  while (width > count) *end++ = '0', width--;
  while (count) *end++ = digits[--count];
  return end;
}
static inline char *put_signed(char *end, i64 value) {
  if (value < 0) *end++ = '-';
  return put_number(end, value < 0 ? -(u64)value : (u64)value, 1);
}

// Reads decimal digits at *text and moves *text behind them; 0 when there are none. Stops before it would overflow.
static inline u64 take_number(const char **text) {
  u64 value = 0;
  while (**text >= '0' && **text <= '9' && value < 1000000000000000000ull) value = value * 10 + (u64)(*(*text)++ - '0');
  return value;
}

// ---- files ----

static inline i32 close_fd(i32 fd) { return fd < 0 ? 0 : (i32)sys(close, fd); }

// Writes everything; 0 or a negated errno.
static inline long write_all(i32 fd, const void *data, usize length) {
  for (const char *at = data; length;) {
    const long done = retry(sys(write, fd, at, length));
    if (done <= 0) return done ? done : -EIO;
    at += done, length -= (usize)done;
  }
  return 0;
}

// Fills `data` completely unless the end comes first; the number of bytes read or a negated errno.
static inline long read_all(i32 fd, void *data, usize length) {
  usize have = 0;
  while (have < length) {
    const long got = retry(sys(read, fd, (char *)data + have, length - have));
    if (got < 0) return got;
    if (got == 0) break;
    have += (usize)got;
  }
  return (long)have;
}

// ---- clocks ----

struct kernel_time {
  i64 seconds;
  i64 nanoseconds;
};

static inline u64 clock_ns(int clock) {
  struct kernel_time now = {0, 0};
  sys(clock_gettime, clock, &now);
  return (u64)now.seconds * 1000000000ull + (u64)now.nanoseconds;
}
#define REALTIME 0
#define MONOTONIC 1

// ---- what every program here defines ----

int program(int argc, char **argv, char **env);
