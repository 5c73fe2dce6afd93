import { signalProcess, type Cgroup, type ProcessIdentity } from "@constellation/host";
import type { GuardSample, PolicyState } from "../policy/level.ts";
import type { PolicySettings } from "../policy/settings.ts";

/** Slows a run that uses too much CPU, without taking tests away from it. */
export interface Pace {
  follow(sample: GuardSample, state: PolicyState): void;
  /** Lets the run go at full speed again. */
  release(): Promise<void>;
}

/** One turn of running and pausing; short, so that no test sees a long gap. */
const turnMs = 200;
/** CPU share that a run gets under contention while it yields, of 100. */
const yieldingWeight = 10;
const usualWeight = 100;
/** Never paused for more of its time than this: a run must come to its end. */
const mostPaused = 0.8;

/** The share of its time that a run is paused for next, from how far the machine's CPU is from the threshold. */
export function nextPause(paused: number, cpuShare: number, threshold: number): number {
  const next = paused + 0.5 * (cpuShare - threshold);
  return next < 0.02 ? 0 : Math.min(mostPaused, next);
}

/**
 * `shed`: while CPU is above its threshold the run's group yields to everybody else who wants it. `pause`: the run is frozen
 * for a part of each 200 ms, until the machine is below its threshold; without a group the processes that were started are.
 */
export function openPace(
  settings: PolicySettings,
  cgroup: Cgroup | undefined,
  leaders: readonly ProcessIdentity[],
  fail: (error: unknown) => void,
): Pace {
  let paused = 0;
  let yields = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let isReleased = false;

  const freeze = (): Promise<void> | void =>
    cgroup === undefined ? signalAll("SIGSTOP") : cgroup.freeze({ timeoutMs: turnMs });
  const thaw = (): Promise<void> | void =>
    cgroup === undefined ? signalAll("SIGCONT") : cgroup.thaw({ timeoutMs: 5000 });
  const signalAll = (signal: "SIGSTOP" | "SIGCONT"): void => {
    for (const leader of leaders) signalProcess(leader, signal);
  };
  const takeTurn = (): void => {
    if (paused === 0 || isReleased) return void (timer = undefined);
    turn = pauseOnce();
    timer = setTimeout(takeTurn, turnMs);
  };
  const pauseOnce = async (): Promise<void> => {
    try {
      await freeze();
    } catch {
      // A group that cannot be stopped at once (deep in the kernel) is let go; the next turn tries again.
    }
    await new Promise((resolve) => setTimeout(resolve, paused * turnMs));
    try {
      await thaw();
    } catch (error) {
      fail(error);
    }
  };

  return {
    follow({ cpuShare }, { level, cause }) {
      if (isReleased) return;
      const isBusy = level === "shed" && cause === "cpu";
      if (settings.cpuAction === "shed" && isBusy !== yields) {
        yields = isBusy;
        // Where the weight cannot be set the run is as fast as before: nothing was promised but to try.
        cgroup?.setLimits({ cpuWeight: yields ? yieldingWeight : usualWeight });
      }
      if (settings.cpuAction !== "pause" || cpuShare === undefined || (!isBusy && paused === 0)) return;
      paused = nextPause(paused, cpuShare, settings.cpuShare);
      if (paused > 0 && timer === undefined) takeTurn();
    },
    async release() {
      isReleased = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
