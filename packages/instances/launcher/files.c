// Steps on files and descriptors.
#include "launch.h"

#include <linux/fcntl.h>
#include <linux/socket.h>
#include <linux/un.h>

#include "socket.h"

static const char *text(const struct step *step, int argument) { return plan_text(&launch.plan, step->arg[argument]); }

// OPEN slot path flags mode
long step_open(const struct step *step) {
  return fill_slot(step->arg[0], sys(openat, AT_CWD, text(step, 1), step->arg[2] | O_CLOEXEC, step->arg[3]));
}

// WRITE_FILE path bytes flags mode: one write, as control files want it
long step_write_file(const struct step *step) {
  const long fd = sys(openat, AT_CWD, text(step, 0), step->arg[3] | O_WRONLY | O_CLOEXEC, step->arg[4]);
  if (failed(fd)) return fd;
  const long result = write_all((i32)fd, launch.plan.bytes + step->arg[1], step->arg[2]);
  close_fd((i32)fd);
  return result;
}

// WRITE_SLOT slot bytes: for files that the children can no longer reach by path (cgroup `tasks`)
long step_write_slot(const struct step *step) {
  const i32 fd = slot_fd(step->arg[0]);
  return fd < 0 ? fd : write_all(fd, launch.plan.bytes + step->arg[1], step->arg[2]);
}

// ASK slot path request timeoutMs: connects to a Unix socket and sends the request; the slot keeps the connection.
long step_ask(const struct step *step) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {0}};
  const usize length = length_of(text(step, 1));
  if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
  copy(address.sun_path, text(step, 1), length);
  const long fd = fill_slot(step->arg[0], sys(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC_FLAG, 0));
  if (failed(fd)) return fd;
  const struct kernel_time limit = {step->arg[4] / 1000, (i64)(step->arg[4] % 1000) * 1000};
  sys(setsockopt, fd, SOL_SOCKET_LEVEL, SO_RCVTIMEO_OPTION, &limit, sizeof limit);
  sys(setsockopt, fd, SOL_SOCKET_LEVEL, SO_SNDTIMEO_OPTION, &limit, sizeof limit);
  const long result = retry(sys(connect, fd, &address, sizeof address));
  return failed(result) ? result : write_all((i32)fd, launch.plan.bytes + step->arg[2], step->arg[3]);
}

// RECEIVE slot: the first descriptor that comes back by SCM_RIGHTS (unix(7)) replaces the connection of ASK. This is how an
// app's listening socket arrives. Who is asked works while other steps are done.
long step_receive(const struct step *step) {
  const i32 from = slot_fd(step->arg[0]);
  if (from < 0) return from;
  i32 received;
  u8 body;
  const long result = receive_fds(from, &body, 1, &received, 1);
  if (result == -EAGAIN) return -ETIMEDOUT;
  if (failed(result)) return result;
  return received < 0 ? -ENOMSG : fill_slot(step->arg[0], received);
}

// COPY slot from: the same descriptor once more
long step_copy(const struct step *step) {
  const i32 from = slot_fd(step->arg[1]);
  return from < 0 ? from : fill_slot(step->arg[0], sys(fcntl, from, F_DUPFD_CLOEXEC, 3));
}

// SYMLINK target path
long step_symlink(const struct step *step) { return sys(symlinkat, text(step, 0), AT_CWD, text(step, 1)); }

// MKNOD path mode device
long step_mknod(const struct step *step) { return sys(mknodat, AT_CWD, text(step, 0), step->arg[1], step->arg[2]); }

// INHERIT slot number: the main process gets the descriptor under this number. What sits there now moves away first.
long step_inherit(const struct step *step) {
  const i32 number = (i32)step->arg[1];
  i32 *const ours[] = {&launch.status, &launch.channel};
  for (u32 i = 0; i < COUNT(ours) + SLOTS; i++) {
    i32 *const fd = i < COUNT(ours) ? ours[i] : &launch.slots[i - COUNT(ours)];
    if (*fd != number || fd == &launch.slots[step->arg[0]]) continue;
    const long moved = sys(fcntl, *fd, F_DUPFD_CLOEXEC, number + 1);
    if (failed(moved)) return moved;
    close_fd(*fd);
    *fd = (i32)moved;
  }
  const i32 fd = slot_fd(step->arg[0]);
  if (fd < 0) return fd;
  if (fd == number) return sys(fcntl, fd, F_SETFD, 0);
  return sys(dup3, fd, number, 0);
}
