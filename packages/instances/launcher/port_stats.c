// The answer to "stats": one line of JSON. Every number may grow to 20 digits; control's reply buffer has room for that.
#include "port.h"

static char *field(char *end, const char *name, u64 value) {
  end = put_text(end, ",\"");
  end = put_text(end, name);
  end = put_text(end, "\":");
  return put_number(end, value, 1);
}

// For a listening socket the kernel tells its queue's length and limit in these two fields (tcp(7), inet_diag).
static char *put_queue(char *end) {
  struct tcp_info info = {0};
  u32 length = sizeof info;
  sys(getsockopt, port.listener, IPPROTO_TCP, TCP_INFO, &info, &length);
  end = field(end, "queued", info.tcpi_unacked);
  return field(end, "backlog", info.tcpi_sacked);
}

static char *put_backend(char *end, const struct backend *backend) {
  end = put_text(end, "{\"address\":\"");
  end = put_endpoint(end, &backend->address);
  end = put_text(end, backend->state == DRAINING ? "\",\"draining\":true" : "\",\"draining\":false");
  end = field(end, "connections", backend->connections);
  end = field(end, "total", backend->total);
  end = field(end, "failures", backend->failures);
  *end++ = '}';
  return end;
}

char *put_stats(char *end) {
  end = put_text(end, port.mode == FORWARD ? "ok {\"mode\":\"forward\"" : "ok {\"mode\":\"share\"");
  end = put_text(end, ",\"address\":\"");
  end = put_endpoint(end, &port.address);
  *end++ = '"';
  end = field(end, "pid", (u64)sys(getpid));
  end = put_queue(end);
  end = field(end, "active", connections_active());
  end = field(end, "waiting", connections_waiting());
  end = field(end, "pipes", pump_pipes());
  end = field(end, "accepted", port.counters.accepted);
  end = field(end, "forwarded", port.counters.forwarded);
  end = field(end, "expired", port.counters.expired);
  end = field(end, "aborted", port.counters.aborted);
  end = field(end, "connectFailures", port.counters.connect_failures);
  end = field(end, "bytesIn", port.counters.bytes_in);
  end = field(end, "bytesOut", port.counters.bytes_out);
  end = put_text(end, ",\"backends\":[");
  int first = 1;
  for (int i = 0; i < MAX_BACKENDS; i++) {
    if (backends[i].state == ABSENT) continue;
    if (!first) *end++ = ',';
    first = 0;
    end = put_backend(end, &backends[i]);
  }
  return put_text(end, "]}\n");
}
