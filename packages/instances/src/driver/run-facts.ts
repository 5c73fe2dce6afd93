import type { Measure } from "@constellation/contract";

/** What was there already when a run was asked for. */
export type StartPath = "warm" | "slot" | "cold";

/** What is known of a run from its start on and does not change; a recovered handle has the same. */
export interface RunFacts {
  readonly runId: string;
  /** The program's main process, as the machine numbers it. */
  readonly pid: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /**
   * `warm`: a Node that waited became its program. `slot`: it was executed in namespaces made ahead. `cold`: everything
   * was made for it.
   */
  readonly start: StartPath;
  /** Every limit and protection, as found and not as wished. */
  readonly measures: readonly Measure[];
  /** The live log file, in CRI format; rotated ones lie beside it. `null`: the driver keeps no file. */
  readonly logFile: string | null;
  /** The writable folder that stays over restarts, as the machine sees it. */
  readonly dataFolder: string | null;
  /** Everything that the program found in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where its own ports can be reached from this machine; `null`: nowhere, its network is closed. */
  readonly address: string | null;
  /** By port name: a Unix socket that leads to this very instance, although the port is shared with the others. */
  readonly doors: Readonly<Record<string, string>>;
}

/** What was learned of a run while it ran; kept with it, so that the next daemon need not learn it again. */
export interface RunNotes {
  /** Its startup probe has succeeded. */
  readonly startupPassed: boolean;
  readonly ready: boolean;
}

/** Nothing learned yet. */
export const noNotes: RunNotes = { startupPassed: false, ready: false };
