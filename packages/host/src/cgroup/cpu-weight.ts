/**
 * cgroup v1 `cpu.shares` (2 to 262,144, default 1024) for a v2 `cpu.weight` (1 to 10,000, default 100).
 * Inverse of the curve of OCI runtimes, weight = 10^((l² + 125 l) / 612 - 7/34) with l = log2(shares),
 * which meets both ends and both defaults (opencontainers/cgroups pull request 20, crun pull request 1767).
 */
export function sharesFromWeight(weight: number): number {
  const exponent = Math.log10(weight);
  const log2Shares = (-125 + Math.sqrt(125 * 125 + 4 * 612 * (exponent + 7 / 34))) / 2;
  return Math.min(262_144, Math.max(2, Math.round(2 ** log2Shares)));
}

/** The v2 `cpu.weight` for v1 `cpu.shares`, by the same curve. */
export function weightFromShares(shares: number): number {
  const log2Shares = Math.log2(Math.min(262_144, Math.max(2, shares)));
  const exponent = (log2Shares * log2Shares + 125 * log2Shares) / 612 - 7 / 34;
  // The curve meets whole numbers at both ends and at the default; without the margin rounding errors lift them by one.
  return Math.min(10_000, Math.max(1, Math.ceil(10 ** exponent - 1e-9)));
}
