/** When the guard acts. Shares are 0 to 1 of the bound that is nearest. */
export interface PolicySettings {
  /** No new tests from here on. Lower sheds earlier and runs slower. @default 0.75 */
  readonly shedShare: number;
  /** Finish what runs, save, stop. @default 0.8 */
  readonly drainShare: number;
  /** Kill at once. @default 0.95 */
  readonly killShare: number;
  /** How far use must fall below a level before it is left; larger flaps less and holds longer. @default 0.03 */
  readonly hysteresisShare: number;
  /** A bound on the run's own memory, with the same three levels around it; undefined: none. */
  readonly treeBytes: number | undefined;
  /**
   * The longest a teardown takes here; one of a known size is taken to last 50 ms and 100 ms per GiB, if that is less. Kill
   * when the bound is nearer than 1.5 times this. @default 200
   */
  readonly teardownMs: number;
  /** Share of time in which all tasks stalled for memory, in percent over 10 s. @default 40 */
  readonly stallPercent: number;
  /** How long the stall must last. @default 10_000 */
  readonly stallHeldMs: number;
  /** Share of all CPUs that is too much. @default 0.8 */
  readonly cpuShare: number;
  /** How long CPU must be above its share. @default 5000 */
  readonly cpuHeldMs: number;
  /**
   * A healthy suite uses all CPUs. `shed`: a worker less where files run one by one, else it yields to whoever else wants the
   * CPU; `pause`: it is frozen for a part of the time; `stop` drains it; `ignore` does nothing. @default "shed"
   */
  readonly cpuAction: "shed" | "pause" | "stop" | "ignore";
}

/** The levels of the published defaults. */
export const defaultPolicy: PolicySettings = {
  shedShare: 0.75,
  drainShare: 0.8,
  killShare: 0.95,
  hysteresisShare: 0.03,
  treeBytes: undefined,
  teardownMs: 200,
  stallPercent: 40,
  stallHeldMs: 10_000,
  cpuShare: 0.8,
  cpuHeldMs: 5000,
  cpuAction: "shed",
};

/** Defaults around a drain threshold of the user's: shed keeps its distance below it, kill lies at 95 % or between it and full. */
export function policyFor(
  threshold: { readonly kind: "share"; readonly share: number } | { readonly kind: "bytes"; readonly bytes: number },
  rest: Partial<PolicySettings> = {},
): PolicySettings {
  if (threshold.kind === "bytes") return { ...defaultPolicy, ...rest, treeBytes: threshold.bytes };
  const drainShare = threshold.share;
  const shedShare = Math.max(drainShare / 2, drainShare - (defaultPolicy.drainShare - defaultPolicy.shedShare));
  const killShare = Math.max(defaultPolicy.killShare, (1 + drainShare) / 2);
  return { ...defaultPolicy, ...rest, shedShare, drainShare, killShare };
}
