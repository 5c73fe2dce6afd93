import type { Cgroup } from "@constellation/host";
import type { GuestUnit } from "../adapters/adapter.ts";
import type { UnitOutput } from "./unit-output.ts";
import { type Guest, type GuestCommand, type GuestExit, startGuest } from "./guest.ts";

export interface FilePool {
  /** Settles when nothing runs and nothing is to be started any more. */
  readonly done: Promise<void>;
  /** What runs now. */
  guests(): readonly Guest[];
  /** Hands over what those that run have written so far: they are about to be killed. */
  release(): void;
  /** How many may run at once from now on; 0 starts nothing more and lets what runs finish. */
  setJobs(jobs: number): void;
}

/** Runs units in processes of their own, `jobs` at a time. */
export function runFiles(
  units: readonly GuestUnit[],
  jobs: number,
  start: {
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    /** Where a unit writes. */
    readonly output: () => UnitOutput;
    readonly group: Cgroup | undefined;
    /** How a unit's output is read; undefined: it is not. */
    readonly read?: (unit: GuestUnit, self: () => Guest | undefined) => GuestCommand["read"];
    readonly started: (guest: Guest, unit: GuestUnit) => void;
    readonly ended: (unit: GuestUnit, exit: GuestExit, tookMs: number) => void;
  },
): FilePool {
  const waiting = [...units];
  const running = new Set<Guest>();
  const outputs = new Set<UnitOutput>();
  let starting = 0;
  let allowed = jobs;
  let finish: () => void;
  let fail: (error: unknown) => void;
  const done = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });

  const next = (): void => {
    while (waiting.length > 0 && running.size + starting < allowed)
      void launch(waiting.shift() as GuestUnit).catch(fail);
    if (running.size + starting === 0 && (waiting.length === 0 || allowed === 0)) finish();
  };
  const launch = async (unit: GuestUnit): Promise<void> => {
    starting += 1;
    const startedAt = performance.now();
    const { cwd, group } = start;
    const output = start.output();
    outputs.add(output);
    const environment = { ...start.environment, ...unit.environment };
    let own: Guest | undefined;
    const read = start.read?.(unit, () => own);
    const command = { ...unit, cwd, output: output.target, environment, read };
    const guest = await startGuest(command, group).finally(() => (starting -= 1));
    own = guest;
    running.add(guest);
    start.started(guest, unit);
    const exit = await guest.exit;
    running.delete(guest);
    output.release();
    outputs.delete(output);
    start.ended(unit, exit, performance.now() - startedAt);
    next();
  };
  next();
  return {
    done,
    guests: () => [...running],
    release: () => {
      for (const output of outputs) output.release();
      outputs.clear();
    },
    setJobs(jobs) {
      allowed = jobs;
      next();
    },
  };
}
