// The one epoll set of the port process.
#include "port.h"

long watch(int fd, uint32_t events, enum tag tag, uint32_t index) {
  struct epoll_event event = {.events = events, .data.u64 = (uint64_t)tag << 32 | index};
  return sys_epoll_ctl(port.epoll, EPOLL_CTL_ADD, fd, &event);
}

void unwatch(int fd) {
  struct epoll_event unused = {0};
  sys_epoll_ctl(port.epoll, EPOLL_CTL_DEL, fd, &unused);
}
