import type { AppSpec, Exit, Feature, InstanceDetails, LogLine, Resources } from "@constellation/contract";
import type { ExecRequest, ExecSession } from "./exec.ts";
import type { Look, Reading } from "./reading.ts";
import type { RunFacts, RunNotes } from "./run-facts.ts";
import type { StartRequest } from "./start-request.ts";

/** Cancellation of a long call. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** How instances are run: as processes, on warm workers, as WASM modules, in containers. What it starts outlives it. */
export interface Driver {
  readonly name: string;

  /** What of this driver the machine offers, for `doctor`. */
  probe(): Promise<Feature[]>;

  /**
   * Refuses a spec of which this machine cannot do what it asks for, with everything that is missing; what `start` would
   * find out later. Makes nothing of it.
   *
   * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, `spec.invalid` for what instances may not read
   */
  check(spec: AppSpec): Promise<void>;

  /**
   * Starts a run; resolves when its program executes. After a rejection nothing of the run is left.
   * An abort that comes too late starts it and ends it again before rejecting.
   *
   * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, `instance.start-failed`, `call.cancelled`
   */
  start(request: StartRequest, options: CallOptions): Promise<RunHandle>;

  /** Finds out what became of a run that another daemon started, however that one died. */
  recover(runId: string, options: CallOptions): Promise<Recovery>;

  /** Runs that left a trace on this machine: running, ended but not released, or begun and never started. */
  list(): Promise<FoundRun[]>;

  /**
   * Forgets an ended run and everything that it left but its log and its data folder. Call it when the end is recorded;
   * until then {@link recover} finds it. Releasing an unknown run does nothing.
   *
   * @throws ConstellationError `state.conflict` when it still runs
   */
  release(runId: string): Promise<void>;

  /**
   * Removes what is kept over the runs of an app's instances: data and whatever was given to their names. All of them must be released.
   *
   * @returns whether anything was kept
   */
  forget(app: string): Promise<boolean>;

  /** The same for those instances of the app that have written nothing to keep. What cannot be removed stays. */
  forgetUnwritten(app: string): Promise<void>;

  /** Lets go of this driver's own resources; runs go on. */
  close(): Promise<void>;
}

/** One run, started or recovered. */
export interface RunHandle {
  readonly facts: RunFacts;

  /** Resolves when the program and everything it started is gone; the same value for every caller. */
  wait(): Promise<Exit>;

  /**
   * Sends `signal` to the program, and ends the whole tree when it lives `graceMs` later. Calling it again can only
   * shorten the grace. Resolves like {@link wait}.
   */
  stop(signal: string, graceMs: number): Promise<Exit>;

  /** Ends the whole tree at once. */
  kill(): Promise<Exit>;

  /**
   * Runs another program with the same view, limits and protections.
   *
   * @throws ConstellationError `instance.not-running`, `exec.failed`, `call.cancelled`
   */
  exec(request: ExecRequest, options: CallOptions): Promise<ExecSession>;

  /** The processes inside, now. */
  inspect(): Promise<Pick<InstanceDetails, "processes">>;

  /** Reads its counters; cheap enough for every second. `null` once it has ended. @param look default: `whole` */
  stats(look?: Look): Reading | null;

  /**
   * Puts the running instance under other limits for CPU, memory and processes, at once, and keeps them with the run.
   * False: it cannot be done while it runs, and nothing has changed for certain; a new run gets them.
   */
  limit(resources: Resources): Promise<boolean>;

  /** The launch plan, printed for people. */
  plan(): Promise<string>;

  /** Its log lines: from the beginning of what is kept, or only those written from now on; ends with the run or the signal. */
  logs(options: CallOptions & { readonly from: "beginning" | "now" }): AsyncIterable<RunLogLine>;

  /** Keeps what was learned with the run, so that the next daemon has it. */
  remember(notes: RunNotes): Promise<void>;

  /** Lets go of descriptors and watches without touching the run; the handle is dead afterwards. */
  detach(): void;
}

/** One line of a run's output. */
export type RunLogLine = Pick<LogLine, "time" | "stream" | "text" | "gapBytes">;

/** What became of a run. */
export type Recovery =
  | { readonly status: "running"; readonly handle: RunHandle; readonly notes: RunNotes; readonly request: StartRequest }
  | { readonly status: "ended"; readonly exit: Exit; readonly request: StartRequest }
  /** The daemon died before anything was executed: nothing runs, nothing ran. */
  | { readonly status: "never-started" };

/** A run found on this machine. */
export type FoundRun = Pick<StartRequest, "runId" | "app" | "index" | "revision" | "restarts">;
