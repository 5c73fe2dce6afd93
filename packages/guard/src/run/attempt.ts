import { closeSync, openSync } from "node:fs";
import type { Cgroup } from "@constellation/host";
import type { AdapterRequest } from "../adapters/adapter.ts";
import type { JournalFile } from "../journal/journal-file.ts";
import { contentHash, writeSkipPlan } from "../journal/plan.ts";
import { runFiles } from "./file-pool.ts";
import { type Guest, startGuest } from "./guest.ts";
import { markerName } from "./marker.ts";
import type { RunOptions } from "./options.ts";
import type { Prepared } from "./prepare.ts";
import type { StateDirectory } from "./state-directory.ts";
import type { StopSignal } from "./stop-signal.ts";

export interface AttemptContext {
  readonly options: RunOptions;
  readonly prepared: Prepared;
  readonly state: StateDirectory;
  readonly journal: JournalFile;
  readonly cgroup: Cgroup | undefined;
  readonly stop: StopSignal;
  readonly number: number;
  readonly peakBytes: () => number;
}

/**
 * Runs what is left: first everything but the suspects, then each suspect by itself. Ends when that is through, or when the
 * stop signal no longer waits; the caller tears down either way.
 *
 * @returns the worst exit code, null when a guest died by a signal or is still running
 */
export async function runAttempt(context: AttemptContext): Promise<number | null> {
  const { options, prepared, state, journal, stop } = context;
  const { attempt, earlier, skips } = prepared;
  const hashNow = contentHash(options.root);
  for (const file of attempt.unfit)
    journal.append({
      kind: "unfit",
      file,
      hash: hashNow(file),
      peakBytes: earlier?.attempts.at(-1)?.stop?.peakBytes ?? 0,
    });
  const unfit = [...attempt.unfit, ...(earlier?.unfit.keys() ?? [])];
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
    if (isolated !== undefined) {
      const wholeFiles = new Set([...skips.wholeFiles, ...exclude]);
      const finished = new Map([...exclude.map((file) => [file, []] as const), ...skips.finished]);
      writeSkipPlan(state.plan, { ...skips, finished, wholeFiles }, hashNow);
    }
    journal.append({
      kind: "attempt",
      number: context.number,
      jobs: attempt.jobs,
      at: new Date().toISOString(),
      ...(isolated === undefined ? {} : { isolated }),
    });
    const exit = await runOnce(context, exclude);
    worst = worst === null || exit === null ? null : Math.max(worst, exit);
  }
  return worst;
}

async function runOnce(context: AttemptContext, exclude: readonly string[]): Promise<number | null> {
  const { options, prepared, state, stop, cgroup } = context;
  const { adapter, args, environment: ofScript } = prepared.detected;
  const isUnusual = prepared.attempt.note !== "";
  const request: AdapterRequest = {
    root: options.root,
    stateDirectory: state.path,
    args: [...args, ...(options.args ?? [])],
    paths: options.paths ?? [],
    jobs: options.jobs !== undefined || isUnusual ? prepared.attempt.jobs : undefined,
    exclude,
  };
  const environment = { ...withoutUndefined(process.env), ...ofScript, ...guestEnvironment(context) };
  const output = options.output === "log" ? openSync(state.output, "a") : "inherit";
  try {
    if (adapter.shape === "files") return await runUnits();
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

  async function runUnits(): Promise<number | null> {
    if (adapter.shape !== "files") return 0;
    const { attempt, skips } = prepared;
    const units = adapter.units(request).filter(({ file }) => !skips.wholeFiles.has(file));
    const hashNow = contentHash(options.root);
    const reportsItself = adapter.name === "node-test";
    let worst: number | null = 0;
    const pool = runFiles(units, attempt.jobs, {
      cwd: options.root,
      environment,
      output,
      group: cgroup,
      started(guest, { file }) {
        follow(guest);
        if (!reportsItself)
          context.journal.append({ kind: "file", file, hash: hashNow(file), pid: guest.child.pid ?? 0 });
      },
      ended({ file, title }, { code }, ms) {
        worst = worst === null || code === null ? null : Math.max(worst, code);
        if (stop.killed.signal.aborted) return;
        const hash = hashNow(file);
        if (!reportsItself) {
          context.journal.append({
            kind: "test",
            file,
            hash,
            path: [title],
            n: 0,
            status: code === 0 ? "passed" : "failed",
            ms,
          });
          context.journal.append({ kind: "end", file, hash });
        } else if (code !== 0 && code !== 1 && !stop.draining.signal.aborted)
          context.journal.append({
            kind: "trouble",
            file,
            hash,
            title: "(file)",
            error: `the process ended with ${code ?? "a signal"}`,
          });
      },
    });
    stop.shed = (less) => {
      if (!stop.draining.signal.aborted) pool.setJobs(less ? Math.max(1, attempt.jobs - 1) : attempt.jobs);
    };
    stop.draining.signal.addEventListener("abort", () => pool.setJobs(0), { once: true });
    if (stop.draining.signal.aborted) pool.setJobs(0);
    return orKilled(pool.done.then(() => worst));
  }
}

function guestEnvironment({ options, prepared, state }: AttemptContext): Record<string, string> {
  const ports = options.lease?.ports ?? [];
  return {
    ...(ports.length === 0 ? {} : { CONSTELLATION_PORTS: ports.join(",") }),
    [markerName]: prepared.header.run,
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
