import { closeSync, openSync } from "node:fs";
import type { Cgroup } from "@constellation/host";
import { type AdapterRequest, hashOf } from "../adapters/adapter.ts";
import type { JournalFile } from "../journal/journal-file.ts";
import type { Ledger } from "../journal/ledger.ts";
import { type SkipPlan, writeSkipPlan } from "../journal/plan.ts";
import { readDeathSigns } from "../journal/death-signs.ts";
import { type Guest, startGuest } from "./guest.ts";
import { markerName } from "./marker.ts";
import type { RunOptions } from "./options.ts";
import type { Prepared } from "./prepare.ts";
import type { StateDirectory } from "./state-directory.ts";
import type { StopSignal } from "./stop-signal.ts";
import { runUnits } from "./units.ts";

export interface AttemptContext {
  readonly options: RunOptions;
  readonly prepared: Prepared;
  readonly state: StateDirectory;
  readonly journal: JournalFile;
  readonly cgroup: Cgroup | undefined;
  readonly stop: StopSignal;
  readonly number: number;
  /** What its processes are known by. */
  readonly marker: string;
  readonly peakBytes: () => number;
  /** All that is known by now. */
  readonly ledger: () => Ledger;
  /** Whether the kernel has ended processes for memory since the attempt began. */
  readonly ranOut: () => boolean;
}

/**
 * Runs what is left: first everything but the suspects, then each suspect by itself. Ends when that is through, or when the
 * stop signal no longer waits; the caller tears down either way.
 *
 * @returns the worst exit code, null when a guest died by a signal or is still running
 */
export async function runAttempt(context: AttemptContext): Promise<number | null> {
  const { options, prepared, state, journal, stop } = context;
  const { attempt, earlier } = prepared;
  const hashNow = hashOf(prepared.detected.adapter, options.root);
  for (const { file, cause } of attempt.unfit)
    journal.append({
      kind: "unfit",
      file,
      cause,
      hash: hashNow(file),
      peakBytes: earlier?.attempts.findLast(({ isolated }) => isolated === file)?.stop?.peakBytes ?? 0,
    });
  const unfit = [...attempt.unfit.map(({ file }) => file), ...(earlier?.unfit.keys() ?? [])];
  let worst: number | null = 0;
  for (const isolated of [undefined, ...attempt.suspects]) {
    if (stop.draining.signal.aborted) break;
    if (isolated !== undefined)
      journal.append({
        kind: "stop",
        why: "finished",
        exit: worst,
        peakBytes: context.peakBytes(),
        at: new Date().toISOString(),
      });
    const exclude = [...unfit, ...attempt.suspects.filter((file) => file !== isolated)];
    const skips = isolated === undefined ? prepared.skips : allBut(isolated, exclude, context);
    if (isolated !== undefined) writeSkipPlan(state.plan, skips, hashNow);
    journal.append({
      kind: "attempt",
      number: context.number,
      jobs: attempt.jobs,
      at: new Date().toISOString(),
      ...(isolated === undefined ? {} : { isolated }),
      ...readDeathSigns(),
    });
    if (attempt.isHopeless === true) return null;
    const exit = await runOnce(context, { exclude, skips, isolated });
    worst = worst === null || exit === null ? null : Math.max(worst, exit);
  }
  return worst;
}

/** One file by itself: all others are through by now, or are not to be loaded. */
function allBut(isolated: string, exclude: readonly string[], { prepared, ledger }: AttemptContext): SkipPlan {
  const { tests, ended, troubles } = ledger();
  const others = [...exclude, ...ended.keys(), ...troubles.map(({ file }) => file)];
  const finished = new Map(others.map((file): [string, (readonly [readonly string[], number])[]] => [file, []]));
  for (const { file, path, n } of tests.values()) {
    const known = finished.get(file);
    if (known === undefined) finished.set(file, [[path, n]]);
    else known.push([path, n]);
  }
  finished.delete(isolated);
  const wholeFiles = new Set(finished.keys());
  return {
    finished: new Map([...finished, [isolated, prepared.skips.finished.get(isolated) ?? []]]),
    wholeFiles,
    changed: [],
  };
}

/** What one of an attempt's turns is about. */
interface Turn {
  readonly exclude: readonly string[];
  readonly skips: SkipPlan;
  readonly isolated: string | undefined;
}

async function runOnce(context: AttemptContext, { exclude, skips, isolated }: Turn): Promise<number | null> {
  const { options, prepared, state, stop, cgroup } = context;
  const { adapter, args, node, environment: ofScript } = prepared.detected;
  const isUnusual = prepared.attempt.note !== "";
  const request: AdapterRequest = {
    root: options.root,
    stateDirectory: state.path,
    args: [...args, ...(options.args ?? [])],
    paths: options.paths ?? [],
    node,
    jobs: options.jobs !== undefined || isUnusual ? prepared.attempt.jobs : undefined,
    exclude,
    finished: skips.finished,
  };
  const environment = { ...withoutUndefined(process.env), ...ofScript, ...guestEnvironment(context) };
  const output = options.output === "log" ? openSync(state.output, "a") : "inherit";
  try {
    if (adapter.shape === "files") {
      const done = runUnits({
        adapter,
        request,
        jobs: prepared.attempt.jobs,
        skips,
        isolated,
        journal: context.journal,
        stop,
        cgroup,
        environment,
        output,
        ranOut: context.ranOut,
        follow,
      });
      return await orKilled(done);
    }
    const program = adapter.program(request);
    const guest = await startGuest(
      { ...program, cwd: options.root, output, environment: { ...environment, ...program.environment } },
      cgroup,
    );
    follow(guest);
    return await orKilled(guest.exit.then(({ code }) => code));
  } finally {
    if (typeof output === "number") closeSync(output);
  }

  function follow({ identity }: Guest): void {
    if (identity !== undefined) stop.leaders.push(identity);
  }

  async function orKilled<T>(work: Promise<T>): Promise<T | null> {
    if (stop.killed.signal.aborted) return null;
    const killed = new Promise<null>((resolve) =>
      stop.killed.signal.addEventListener("abort", () => resolve(null), { once: true }),
    );
    return Promise.race([work, killed]);
  }
}

function guestEnvironment({ options, marker, state }: AttemptContext): Record<string, string> {
  const ports = options.lease?.ports ?? [];
  return {
    ...(ports.length === 0 ? {} : { CONSTELLATION_PORTS: ports.join(",") }),
    [markerName]: marker,
    CONSTELLATION_GUARD_JOURNAL: state.journal,
    CONSTELLATION_GUARD_STATE: state.path,
    CONSTELLATION_GUARD_ROOT: options.root,
  };
}

function withoutUndefined(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
