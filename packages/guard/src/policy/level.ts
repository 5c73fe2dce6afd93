import type { PolicySettings } from "./settings.ts";

/** How far the guard goes, mildest first. */
export type Level = "run" | "shed" | "drain" | "kill";

/** What raised the level. CPU never holds tests back, it only costs a worker. */
export type Cause = "none" | "memory" | "stall" | "cpu";

/** One bound on memory and how much of it is used. */
export interface BoundSample {
  readonly name: string;
  readonly limitBytes: number;
  readonly usedBytes: number;
}

/** What was measured at one moment. */
export interface GuardSample {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly bounds: readonly BoundSample[];
  /** Memory of the run's own tree; undefined when it is not known. */
  readonly treeBytes: number | undefined;
  /** Busy share of all CPUs, or the run's share of those that it may use if that is more; 0 to 1. */
  readonly cpuShare: number | undefined;
  /** PSI memory `full avg10`, in percent. */
  readonly stallPercent: number | undefined;
  /** Bounds at which another run yields first: here they hold tests back, and kill only when the other was too slow. */
  readonly shielded: readonly string[];
}

/** What the policy remembers between samples. */
export interface PolicyState {
  readonly level: Level;
  readonly cause: Cause;
  readonly reason: string;
  readonly atMs: number | undefined;
  readonly used: Readonly<Record<string, number>>;
  /** Growth per bound, smoothed, in bytes per millisecond; never below zero. */
  readonly growth: Readonly<Record<string, number>>;
  readonly stalledSinceMs: number | undefined;
  readonly busySinceMs: number | undefined;
  /** Since when a shielded bound has been at the kill level. */
  readonly endangeredSinceMs: number | undefined;
}

/** Before the first sample. */
export const calm: PolicyState = {
  level: "run",
  cause: "none",
  reason: "",
  atMs: undefined,
  used: {},
  growth: {},
  stalledSinceMs: undefined,
  busySinceMs: undefined,
  endangeredSinceMs: undefined,
};

const order: readonly Level[] = ["run", "shed", "drain", "kill"];

/** Whether one level is at least as drastic as another. */
export const reaches = (level: Level, least: Level): boolean => order.indexOf(level) >= order.indexOf(least);

/** Decides the level after a sample. Levels rise at once; drain and kill are never left, shed is left below its hysteresis. */
export function decide(state: PolicyState, sample: GuardSample, settings: PolicySettings): PolicyState {
  let next = remember(state, sample, settings);
  const shielding = shield(memoryWishes(next, state, sample, settings), next, sample, settings);
  next = { ...next, endangeredSinceMs: shielding.endangeredSinceMs };
  const wishes = [...shielding.wishes, ...otherWishes(next, sample, settings)];
  const strongest = wishes.reduce((a, b) => (order.indexOf(b.level) > order.indexOf(a.level) ? b : a), run);
  const isFinal = reaches(state.level, "drain");
  if (isFinal && !reaches(strongest.level, state.level)) return { ...next, ...keep(state) };
  // While a level holds it keeps the words that raised it, unless its cause is another one now.
  return strongest.level === state.level && strongest.cause === state.cause
    ? { ...next, ...keep(state) }
    : { ...next, ...strongest };
}

/** Everything stalls together: the run that yields gets this long to relieve the others. */
const shieldedStallMs = 3000;

const keep = ({ level, cause, reason }: PolicyState): Wish => ({ level, cause, reason });

/** Milliseconds until the nearest bound is full at the present growth; Infinity when nothing grows. */
export function timeToLimitMs({ growth }: Pick<PolicyState, "growth">, bounds: readonly BoundSample[]): number {
  const times = bounds.map(({ name, limitBytes, usedBytes }) => {
    const rate = growth[name] ?? 0;
    return rate <= 0 ? Infinity : Math.max(0, limitBytes - usedBytes) / rate;
  });
  return Math.min(Infinity, ...times);
}

/** Freeing memory is what a teardown takes long for: a small run is gone before a large one. */
export function teardownTimeMs(
  treeBytes: number | undefined,
  { teardownMs }: Pick<PolicySettings, "teardownMs">,
): number {
  if (treeBytes === undefined) return teardownMs;
  return Math.min(teardownMs, 50 + (treeBytes / 2 ** 30) * 100);
}

interface Wish {
  readonly level: Level;
  readonly cause: Cause;
  readonly reason: string;
}

const run: Wish = { level: "run", cause: "none", reason: "" };

function remember(state: PolicyState, sample: GuardSample, settings: PolicySettings): PolicyState {
  const elapsedMs = state.atMs === undefined ? 0 : sample.atMs - state.atMs;
  const growth: Record<string, number> = {};
  const used: Record<string, number> = {};
  for (const { name, usedBytes } of boundsOf(sample, settings)) {
    used[name] = usedBytes;
    const before = state.used[name];
    const old = state.growth[name] ?? 0;
    if (before === undefined || elapsedMs <= 0) growth[name] = old;
    else growth[name] = smooth(old, Math.max(0, (usedBytes - before) / elapsedMs), elapsedMs);
  }
  const stalls = (sample.stallPercent ?? 0) > settings.stallPercent;
  const busy = (sample.cpuShare ?? 0) > settings.cpuShare;
  return {
    ...state,
    atMs: sample.atMs,
    used,
    growth,
    stalledSinceMs: stalls ? (state.stalledSinceMs ?? sample.atMs) : undefined,
    busySinceMs: busy ? (state.busySinceMs ?? sample.atMs) : undefined,
  };
}

/**
 * An exponential average over 200 ms that believes a rise of 100 ms at half its weight: a hog fills gigabytes within two
 * samples. Shorter looks are believed less, for what grows grows in jumps.
 */
function smooth(old: number, now: number, elapsedMs: number): number {
  const weight = 1 - Math.exp(-elapsedMs / 200);
  const believed = Math.max(weight, 0.5 * Math.min(1, elapsedMs / 100));
  return old + (now > old ? believed : weight) * (now - old);
}

/** The bounds of the machine, and the one on the run's own memory, scaled so that its threshold is the drain share. */
export function boundsOf(sample: GuardSample, { treeBytes, drainShare }: PolicySettings): readonly BoundSample[] {
  if (treeBytes === undefined || sample.treeBytes === undefined) return sample.bounds;
  return [...sample.bounds, { name: "run", limitBytes: treeBytes / drainShare, usedBytes: sample.treeBytes }];
}

/** Another run yields at shielded bounds: this one waits for as long as that one's teardown should take. */
function shield(
  all: readonly BoundWish[],
  { endangeredSinceMs }: PolicyState,
  { atMs, shielded }: GuardSample,
  { teardownMs }: PolicySettings,
): { readonly wishes: readonly Wish[]; readonly endangeredSinceMs: number | undefined } {
  const isEndangered = all.some(({ bound, level }) => level === "kill" && shielded.includes(bound));
  const sinceMs = isEndangered ? (endangeredSinceMs ?? atMs) : undefined;
  const wishes = all.map(({ bound, level, cause, reason }): Wish => {
    if (!shielded.includes(bound) || !reaches(level, "drain")) return { level, cause, reason };
    if (level === "kill" && sinceMs !== undefined && atMs - sinceMs >= teardownMs) return { level, cause, reason };
    return { level: "shed", cause, reason: `${reason}; another run yields first` };
  });
  return { wishes, endangeredSinceMs: sinceMs };
}

type BoundWish = Wish & { readonly bound: string };

function memoryWishes(
  next: PolicyState,
  before: PolicyState,
  sample: GuardSample,
  settings: PolicySettings,
): BoundWish[] {
  return boundsOf(sample, settings).map((bound) => ({ bound: bound.name, ...wishAt(bound) }));

  function wishAt(bound: BoundSample): Wish {
    const share = bound.limitBytes <= 0 ? 1 : bound.usedBytes / bound.limitBytes;
    const leftMs = timeToLimitMs(next, [bound]);
    const say = (text: string): string => `${where(bound.name)} ${text}`;
    if (share >= settings.killShare) return { level: "kill", cause: "memory", reason: say(`is at ${percent(share)}`) };
    // Far from the bound a fast start is no danger yet: it may stop as suddenly as it came.
    if (share >= settings.shedShare / 2 && leftMs < 1.5 * teardownTimeMs(sample.treeBytes, settings))
      return {
        level: "kill",
        cause: "memory",
        reason: say(`is full in ${Math.round(leftMs)} ms at the present growth`),
      };
    if (share >= settings.drainShare)
      return { level: "drain", cause: "memory", reason: say(`is at ${percent(share)}`) };
    const leaveAt = settings.shedShare - (before.level === "shed" ? settings.hysteresisShare : 0);
    return share >= leaveAt ? { level: "shed", cause: "memory", reason: say(`is at ${percent(share)}`) } : run;
  }
}

function otherWishes(next: PolicyState, sample: GuardSample, settings: PolicySettings): Wish[] {
  const wishes: Wish[] = [];
  if (
    next.stalledSinceMs !== undefined &&
    sample.atMs - next.stalledSinceMs >= settings.stallHeldMs + (sample.shielded.length > 0 ? shieldedStallMs : 0)
  )
    wishes.push({
      level: "kill",
      cause: "stall",
      reason: `everything stalls for memory (full avg10 ${sample.stallPercent} %)`,
    });
  if (
    next.busySinceMs !== undefined &&
    sample.atMs - next.busySinceMs >= settings.cpuHeldMs &&
    settings.cpuAction !== "ignore"
  )
    wishes.push({
      level: settings.cpuAction === "stop" ? "drain" : "shed",
      cause: "cpu",
      reason: `CPU is at ${percent(sample.cpuShare ?? 0)}`,
    });
  return wishes;
}

const where = (name: string): string =>
  name === "machine" ? "memory of the machine" : name === "run" ? "memory of the run" : `memory of the group ${name}`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
