// What the port process needs of the kernel beyond sys.h: names that only libc headers define, and calls with fixed arguments.
#pragma once

#include <asm/socket.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/un.h>

#include "sys.h"

enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10 };
enum { SOCK_STREAM = 1, SOCK_CLOEXEC = O_CLOEXEC, SOCK_NONBLOCK = O_NONBLOCK };
enum { SHUT_WR = 1, SCM_RIGHTS = 1, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000 };
enum { SIGINT = 2, SIGPIPE = 13, SIGTERM = 15, RLIMIT_NOFILE = 7 };

struct address { // struct sockaddr
  u16 family;
  char data[14];
};
struct part { // struct iovec
  const void *base;
  usize length;
};
struct message { // struct msghdr (the kernel's user_msghdr)
  void *name;
  i32 name_bytes;
  struct part *parts;
  usize part_count;
  void *control;
  usize control_bytes;
  u32 flags;
};
struct descriptor_control { // struct cmsghdr with one descriptor behind it
  usize length;
  i32 level, type, fd, padding;
};
struct linger {
  i32 on, seconds;
};
struct credentials { // struct ucred
  i32 pid;
  u32 uid, gid;
};
struct limit { // struct rlimit64
  u64 soft, hard;
};

static inline u16 network_order(u16 value) { return (u16)(value << 8 | value >> 8); }

static inline long stream_socket(int family) { return sys(socket, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
static inline long set_option(int fd, int level, int name, int value) {
  return sys(setsockopt, fd, level, name, &value, sizeof value);
}
static inline long receive(int fd, void *into, usize bytes) { return sys(recvfrom, fd, into, bytes, MSG_DONTWAIT, 0, 0); }
static inline long transmit(int fd, const void *from, usize bytes) {
  return sys(sendto, fd, from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
}
static inline long move_bytes(int from, int to, usize bytes) {
  return sys(splice, from, 0, to, 0, bytes, 1 /* SPLICE_F_MOVE */ | 2 /* SPLICE_F_NONBLOCK */);
}
static inline u64 now_ms(void) { return clock_ns(MONOTONIC) / 1000000; }
