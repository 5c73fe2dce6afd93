/** Names of the platform's own metrics, in Prometheus' style: unit as suffix, counters end in `_total`. */
export const metricNames = {
  instanceCpuSeconds: "constellation_instance_cpu_seconds_total",
  instanceMemoryBytes: "constellation_instance_memory_bytes",
  instanceRestarts: "constellation_instance_restarts_total",
  startSeconds: "constellation_instance_start_seconds",
  daemonMemoryBytes: "constellation_daemon_memory_bytes",
  logDroppedBytes: "constellation_log_dropped_bytes_total",
} as const;
