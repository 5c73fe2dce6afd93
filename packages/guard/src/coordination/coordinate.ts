import type { Fleet, FleetRun } from "./fleet.ts";

/** Memory at every bound that all runs share: the machine's, and those of groups around them. */
export type SharedMemory = readonly { readonly limitBytes: number; readonly usedBytes: number }[];

/** How runs share a machine. */
export interface CoordinationSettings {
  /** Stopped runs come back when no more than this share of memory is used. Lower waits longer. @default 0.6 */
  readonly resumeShare: number;
  /** How long it must have been so. @default 10_000 */
  readonly resumeHeldMs: number;
  /** Nothing is called back, and nobody yields, so soon after the last such action: memory takes time to show it. @default 15_000 */
  readonly pauseMs: number;
  /** Runs are let in while all that are in may grow to what they need below this share. @default 0.8 */
  readonly admitShare: number;
}

/** The levels of the published defaults. */
export const defaultCoordination: CoordinationSettings = {
  resumeShare: 0.6,
  resumeHeldMs: 10_000,
  pauseMs: 15_000,
  admitShare: 0.8,
};

/** What is to be done now. */
export type Coordination =
  | { readonly kind: "admit"; readonly id: string }
  | { readonly kind: "resume"; readonly id: string }
  | { readonly kind: "wait"; readonly id: string; readonly reason: string }
  | { readonly kind: "yields"; readonly id: string; readonly yields: boolean };

/** Looks at memory once and decides who goes on, who waits, and who yields first if it gets tight. */
export function coordinate(
  fleet: Fleet,
  memory: SharedMemory,
  nowMs: number,
  settings: CoordinationSettings = defaultCoordination,
): { readonly fleet: Fleet; readonly actions: readonly Coordination[] } {
  const { resumeShare, resumeHeldMs, pauseMs } = settings;
  const actions: Coordination[] = [];
  const runs = new Map(fleet.runs);
  let { lastActionMs } = fleet;
  // The fullest bound says how tight it is; how much is left may be least at another one.
  const share = Math.max(
    0,
    ...memory.map(({ limitBytes, usedBytes }) => (limitBytes <= 0 ? 1 : usedBytes / limitBytes)),
  );
  const calmSinceMs = share <= resumeShare ? (fleet.calmSinceMs ?? nowMs) : undefined;
  const isQuiet = lastActionMs === undefined || nowMs - lastActionMs >= pauseMs;
  const isCalm = calmSinceMs !== undefined && nowMs - calmSinceMs >= resumeHeldMs;
  const go = (run: FleetRun): void => void runs.set(run.id, { ...run, phase: "running", reason: "" });
  const hold = (run: FleetRun, reason: string): void => {
    if (run.reason === reason) return;
    runs.set(run.id, { ...run, reason });
    // Figures change with every look: whoever waits is told when it is another reason.
    if (withoutFigures(run.reason) !== withoutFigures(reason)) actions.push({ kind: "wait", id: run.id, reason });
  };

  const parked = byAge(runs, "parked");
  const [oldest, ...others] = parked;
  if (oldest !== undefined) {
    const isAlone = byAge(runs, "running").length === 0;
    const obstacle = !isCalm
      ? `memory is at ${percent(share)}; it goes on when that is ${percent(resumeShare)} or less for ${resumeHeldMs / 1000} s`
      : !isQuiet
        ? `another run was stopped or called back less than ${pauseMs / 1000} s ago`
        : isAlone
          ? undefined
          : tooLittleFor(oldest, runs, memory, settings);
    if (obstacle === undefined) {
      actions.push({ kind: "resume", id: oldest.id });
      go(oldest);
      lastActionMs = nowMs;
    } else hold(oldest, obstacle);
    for (const run of others) hold(run, "an older run comes first");
  }

  for (const run of byAge(runs, "waiting")) {
    const elder = parked.find((each) => each.sinceMs <= run.sinceMs && runs.get(each.id)?.phase === "parked");
    const isAlone = byAge(runs, "running").length === 0;
    const obstacle =
      elder !== undefined
        ? "an older run was stopped and comes first"
        : lastActionMs !== undefined && nowMs - lastActionMs < pauseMs
          ? `another run was stopped or called back less than ${pauseMs / 1000} s ago`
          : isAlone && share < settings.admitShare
            ? undefined
            : tooLittleFor(run, runs, memory, settings);
    if (obstacle === undefined) {
      actions.push({ kind: "admit", id: run.id });
      go(run);
    } else {
      hold(run, obstacle);
      // Nobody overtakes: a large run would wait for ever behind a stream of small ones.
      for (const later of byAge(runs, "waiting").filter(({ id }) => id !== run.id))
        hold(later, "an older run comes first");
      break;
    }
  }

  const isPausing = lastActionMs !== undefined && nowMs - lastActionMs < pauseMs && lastActionMs === fleet.lastActionMs;
  const yielding = isPausing && fleet.yielding === undefined ? undefined : byAge(runs, "running").at(-1)?.id;
  if (yielding !== fleet.yielding) {
    if (fleet.yielding !== undefined && runs.has(fleet.yielding))
      actions.push({ kind: "yields", id: fleet.yielding, yields: false });
    if (yielding !== undefined) actions.push({ kind: "yields", id: yielding, yields: true });
  }
  return { fleet: { runs, lastActionMs, calmSinceMs, yielding }, actions };
}

/** Why a run does not fit beside the others, each grown to what it needs; undefined when it does. */
function tooLittleFor(
  run: FleetRun,
  runs: ReadonlyMap<string, FleetRun>,
  memory: SharedMemory,
  { admitShare }: CoordinationSettings,
): string | undefined {
  const promised = byAge(runs, "running").reduce(
    (sum, { expectedBytes, treeBytes }) => sum + Math.max(0, expectedBytes - treeBytes),
    0,
  );
  const left = Math.min(...memory.map(({ limitBytes, usedBytes }) => admitShare * limitBytes - usedBytes));
  const free = left - promised;
  if (run.expectedBytes <= free) return undefined;
  return `it needs ${mebibytes(run.expectedBytes)}, and ${mebibytes(Math.max(0, free))} are not promised to others`;
}

/** Oldest first; of equal age by name, so that every look finds the same order. */
function byAge(runs: ReadonlyMap<string, FleetRun>, phase: FleetRun["phase"]): readonly FleetRun[] {
  return [...runs.values()]
    .filter((run) => run.phase === phase)
    .sort((a, b) => a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1));
}

const withoutFigures = (text: string): string => text.replaceAll(/\d+/g, "");
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
