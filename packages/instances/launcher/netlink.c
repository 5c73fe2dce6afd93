// Sends one rtnetlink message that TypeScript encoded and waits for its acknowledgement (netlink(7)).
#include "launch.h"

#include <linux/netlink.h>

#include "socket.h"

#define AF_NETLINK 16

// NETLINK bytes childPidAt: at that offset (0: nowhere) goes the child's process id, known only now, by which the
// kernel finds the network namespace that gets the inner end of a veth pair
long step_netlink(const struct step *step) {
  u8 request[1024];
  const u32 length = step->arg[1], patch = step->arg[2];
  if (length > sizeof request || length < sizeof(struct nlmsghdr)) return -EMSGSIZE;
  copy(request, launch.plan.bytes + step->arg[0], length);
  if (patch) {
    if (patch + 4 > length || launch.child <= 0) return -EINVAL;
    copy(request + patch, &launch.child, 4);
  }
  const long fd = sys(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC_FLAG, NETLINK_ROUTE);
  if (failed(fd)) return fd;
  const struct kernel_time limit = {5, 0};
  sys(setsockopt, fd, SOL_SOCKET_LEVEL, SO_RCVTIMEO_OPTION, &limit, sizeof limit);
  long result = retry(sys(sendto, fd, request, length, 0, NULL, 0));
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    u8 echo[1024];
  } answer;
  if (!failed(result)) result = retry(sys(recvfrom, fd, &answer, sizeof answer, 0, NULL, NULL));
  close_fd((i32)fd);
  if (failed(result)) return result;
  if ((usize)result < sizeof(struct nlmsghdr) + 4 || answer.header.nlmsg_type != NLMSG_ERROR) return -EBADMSG;
  return answer.error.error; // 0 is the acknowledgement
}
