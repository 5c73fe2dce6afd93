// Unix sockets that carry descriptors (unix(7), SCM_RIGHTS), spelled out because the kernel headers leave them to libc.
#pragma once
#include "sys.h"

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC_FLAG 02000000
#define SOL_SOCKET_LEVEL 1
#define SO_RCVTIMEO_OPTION 20
#define SO_SNDTIMEO_OPTION 21
#define SO_PEERCRED_OPTION 17
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define FDS_MAX 32

struct io_vector {
  void *base;
  usize length;
};

struct message {
  void *name;
  u32 name_length;
  struct io_vector *parts;
  usize part_count;
  void *control;
  usize control_length;
  u32 flags;
};

struct rights {
  usize length;
  i32 level;
  i32 type; // 1: SCM_RIGHTS
  i32 fds[FDS_MAX];
};
#define RIGHTS_HEAD (sizeof(usize) + 8)

static inline long send_fds(i32 socket, const void *body, usize length, const i32 *fds, u32 count) {
  struct rights rights = {RIGHTS_HEAD + 4 * (usize)count, SOL_SOCKET_LEVEL, 1, {0}};
  for (u32 i = 0; i < count; i++) rights.fds[i] = fds[i];
  struct io_vector part = {(void *)body, length};
  struct message message = {NULL, 0, &part, 1, count ? &rights : NULL, count ? rights.length : 0, 0};
  return retry(sys(sendmsg, socket, &message, MSG_NOSIGNAL));
}

// Receives one message and up to `room` close-on-exec descriptors (-1 where none came); surplus ones are closed.
static inline long receive_fds_with(i32 socket, void *body, usize length, i32 *fds, u32 room, int flags) {
  struct rights rights;
  zero(&rights, sizeof rights);
  struct io_vector part = {body, length};
  struct message message = {NULL, 0, &part, 1, &rights, sizeof rights, 0};
  const long result = retry(sys(recvmsg, socket, &message, flags | MSG_CMSG_CLOEXEC));
  for (u32 i = 0; i < room; i++) fds[i] = -1;
  if (failed(result) || message.control_length < RIGHTS_HEAD || rights.type != 1) return result;
  const u32 count = (u32)((rights.length - RIGHTS_HEAD) / 4);
  for (u32 i = 0; i < count && i < FDS_MAX; i++) {
    if (i < room) fds[i] = rights.fds[i];
    else close_fd(rights.fds[i]);
  }
  return result;
}
static inline long receive_fds(i32 socket, void *body, usize length, i32 *fds, u32 room) {
  return receive_fds_with(socket, body, length, fds, room, 0);
}
