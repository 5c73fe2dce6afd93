import type { ConstellationError, Exit, Resources } from "@constellation/contract";
import type { Clock } from "../driver/clock.ts";
import type { RunLogLine } from "../driver/driver.ts";
import { noNotes, type RunNotes } from "../driver/run-facts.ts";
import type { StartRequest } from "../driver/start-request.ts";
import { toExit } from "../driver/to-exit.ts";
import { FakeProgram } from "./program.ts";
import type { FakeStep } from "./script.ts";

/** Lines of a fake run that are kept; the oldest go first. */
const keptLines = 10_000;

/** A run of the fake world. */
export interface FakeRun {
  readonly request: StartRequest;
  readonly pid: number;
  readonly startedAt: number;
  readonly program: FakeProgram;
  readonly lines: RunLogLine[];
  /** Lines that were dropped before the first of `lines`. */
  droppedLines: number;
  notes: RunNotes;
  /** Limits in force. */
  resources: Resources;
  stop: { signal: string; graceMs: number; killAt: number; killed: boolean } | null;
  exit: Exit | null;
  /** Called at every new line and at the end. */
  readonly watchers: Set<() => void>;
}

/** The moment at which a daemon dies within a start: its call never returns, and the world stays as it was then. */
export type CrashPoint = "before-intent" | "before-launch" | "after-launch";

/**
 * What a machine is for a fake driver: disk and processes, kept apart from the driver so that they outlive it.
 * A new driver on the same world is the next daemon.
 */
export class FakeWorld {
  readonly clock: Clock;
  /** Written down before a launch. */
  readonly intents = new Map<string, StartRequest>();
  readonly runs = new Map<string, FakeRun>();
  /** Every launch that ever was, for tests that count them. */
  readonly launched: string[] = [];
  /** Apps whose specs ask for what this machine does not have, and what it says then. */
  readonly refusals = new Map<string, ConstellationError>();
  /** Apps whose runs take no other limits while they run. */
  readonly unbending = new Set<string>();
  /** With less memory every program is ended as soon as it has begun. */
  oomBelowBytes = 0;
  /** Apps of which something is kept: each that has run, as if every instance had written. */
  readonly kept = new Set<string>();
  /** Apps of which nothing is kept any more. */
  readonly forgotten: string[] = [];
  #nextPid = 1000;
  #crash: CrashPoint | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The next start dies with its daemon at this point. */
  crashNextStart(point: CrashPoint): void {
    this.#crash = point;
  }

  /** True once when a crash was ordered for this point. */
  takeCrash(point: CrashPoint): boolean {
    if (this.#crash !== point) return false;
    this.#crash = null;
    return true;
  }

  launch(request: StartRequest, steps: readonly FakeStep[]): FakeRun {
    this.launched.push(request.runId);
    this.kept.add(request.app);
    const watchers = new Set<() => void>();
    const lines: RunLogLine[] = [];
    const startedAt = this.clock.nowMs();
    const starves = (request.resources.memoryBytes ?? Infinity) < this.oomBelowBytes;
    const program = new FakeProgram(starves ? [{ kind: "oom" }] : steps, this.clock, {
      write: (stream, text) => {
        lines.push({ time: new Date(this.clock.nowMs()).toISOString(), stream, text });
        if (lines.length > keptLines) run.droppedLines += lines.splice(0, lines.length - keptLines).length;
        for (const watch of watchers) watch();
      },
      ended: (end, oomKills) => {
        const { memoryBytes } = run.resources;
        const peakMemoryBytes = oomKills > 0 ? memoryBytes : null;
        const context = { at: this.clock.nowMs(), oomKills, memoryLimitBytes: memoryBytes, peakMemoryBytes };
        run.exit = toExit(end, { ...context, stop: run.stop });
        for (const watch of watchers) watch();
      },
    });
    const run: FakeRun = {
      request,
      pid: (this.#nextPid += 1),
      startedAt,
      program,
      lines,
      droppedLines: 0,
      notes: noNotes,
      resources: request.resources,
      stop: null,
      exit: null,
      watchers,
    };
    this.runs.set(request.runId, run);
    program.run();
    return run;
  }
}
