import type { Sample } from "@constellation/contract";

/** What is measured of an instance in which nothing runs: its counters grow with each round. */
export const memorySample = (
  app: string,
  instance: string,
  restarts: number,
  round: number,
  intervalMs: number,
): Sample => ({
  app,
  instance,
  at: Date.now(),
  cpuTimeUs: round * 10_000,
  cpuPercent: 12.5,
  memoryBytes: 20e6,
  memoryRssBytes: 25e6,
  memoryPeakBytes: 30e6,
  memoryLimitBytes: 256e6,
  oomKills: 0,
  threads: 7,
  processes: 1,
  openFiles: 20,
  countersAt: Date.now(),
  diskReadBytes: 1000 * round,
  diskWrittenBytes: 2000 * round,
  networkReceivedBytes: 3000 * round,
  networkSentBytes: null,
  restarts,
  uptimeMs: round * intervalMs,
  custom: {},
});
