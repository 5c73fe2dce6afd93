/** Median, 95th percentile and smallest of some numbers. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { median: round(at(0.5)), p95: round(at(0.95)), min: round(sorted[0]), runs: sorted.length };
}

export function round(value) {
  return Math.round(value * 1000) / 1000;
}

/** Milliseconds of the machine's monotonic clock, the one that the measured program reads. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
