// The system calls of the port process by name, over the raw calls of sys.h. Results are the kernel's: negative errno on failure.
#ifndef PORT_SYS_H
#define PORT_SYS_H

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sys.h"

#define KERNEL_SIGSET_BYTES 8

static inline long sys_socket(int domain, int type) { return sys3(__NR_socket, domain, type, 0); }
static inline long sys_bind(int fd, const void *address, unsigned length) { return sys3(__NR_bind, fd, (long)address, length); }
static inline long sys_listen(int fd, int backlog) { return sys2(__NR_listen, fd, backlog); }
static inline long sys_connect(int fd, const void *address, unsigned length) {
  return sys3(__NR_connect, fd, (long)address, length);
}
static inline long sys_accept(int fd, int flags) { return sys4(__NR_accept4, fd, 0, 0, flags); }
static inline long sys_shutdown(int fd, int how) { return sys2(__NR_shutdown, fd, how); }
static inline long sys_setsockopt(int fd, int level, int name, int value) {
  return sys5(__NR_setsockopt, fd, level, name, (long)&value, sizeof value);
}
static inline long sys_getsockopt(int fd, int level, int name, void *value, unsigned *length) {
  return sys5(__NR_getsockopt, fd, level, name, (long)value, (long)length);
}
static inline long sys_getsockname(int fd, void *address, unsigned *length) {
  return sys3(__NR_getsockname, fd, (long)address, (long)length);
}
static inline long sys_recv(int fd, void *into, size_t bytes) { return sys6(__NR_recvfrom, fd, (long)into, bytes, 0, 0, 0); }
static inline long sys_send(int fd, const void *from, size_t bytes) {
  return sys6(__NR_sendto, fd, (long)from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
}
static inline long sys_sendmsg(int fd, const struct msghdr *message) {
  return sys3(__NR_sendmsg, fd, (long)message, MSG_NOSIGNAL | MSG_DONTWAIT);
}
static inline long sys_splice(int from, int to, size_t bytes) {
  return sys6(__NR_splice, from, 0, to, 0, bytes, 1 /* SPLICE_F_MOVE */ | 2 /* SPLICE_F_NONBLOCK */);
}
static inline long sys_pipe(int ends[2]) { return sys2(__NR_pipe2, (long)ends, O_CLOEXEC | O_NONBLOCK); }
static inline long sys_read(int fd, void *into, size_t bytes) { return sys3(__NR_read, fd, (long)into, bytes); }
static inline long sys_write(int fd, const void *from, size_t bytes) { return sys3(__NR_write, fd, (long)from, bytes); }
static inline long sys_close(int fd) { return sys1(__NR_close, fd); }
static inline long sys_openat(const char *path, int flags) { return sys4(__NR_openat, AT_FDCWD, (long)path, flags, 0); }
static inline long sys_dup3(int from, int to, int flags) { return sys3(__NR_dup3, from, to, flags); }
static inline long sys_fcntl(int fd, int command, long value) { return sys3(__NR_fcntl, fd, command, value); }
static inline long sys_chdir(const char *path) { return sys1(__NR_chdir, (long)path); }
static inline long sys_unlink(const char *path) { return sys3(__NR_unlinkat, AT_FDCWD, (long)path, 0); }
static inline long sys_umask(int mask) { return sys1(__NR_umask, mask); }
static inline long sys_getpid(void) { return sys0(__NR_getpid); }
static inline long sys_geteuid(void) { return sys0(__NR_geteuid); }
static inline long sys_epoll_create(void) { return sys1(__NR_epoll_create1, EPOLL_CLOEXEC); }
static inline long sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  return sys4(__NR_epoll_ctl, epoll, operation, fd, (long)event);
}
static inline long sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms) {
  return sys6(__NR_epoll_pwait, epoll, (long)events, count, timeout_ms, 0, KERNEL_SIGSET_BYTES);
}
static inline long sys_block_signals(uint64_t set) {
  return sys4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&set, 0, KERNEL_SIGSET_BYTES);
}
static inline long sys_signalfd(uint64_t set) {
  return sys4(__NR_signalfd4, -1, (long)&set, KERNEL_SIGSET_BYTES, SFD_CLOEXEC | SFD_NONBLOCK);
}
static inline long sys_mmap(size_t bytes) {
  return sys6(__NR_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}
static inline long sys_rlimit(int resource, const struct rlimit *wanted, struct rlimit *found) {
  return sys4(__NR_prlimit64, 0, resource, (long)wanted, (long)found);
}
static inline uint64_t sys_now_ms(void) {
  struct { int64_t seconds, nanoseconds; } now;
  sys2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&now);
  return (uint64_t)now.seconds * 1000 + (uint64_t)now.nanoseconds / 1000000;
}
_Noreturn static inline void sys_exit(int code) {
  for (;;) sys1(__NR_exit_group, code);
}

#endif
