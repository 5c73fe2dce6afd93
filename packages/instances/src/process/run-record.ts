import type { CgroupLocation } from "@constellation/host";
import type { RunFacts, RunNotes, StartPath } from "../driver/run-facts.ts";
import { noNotes } from "../driver/run-facts.ts";
import type { StartRequest } from "../driver/start-request.ts";
import type { LaunchRequest } from "../launch/index.ts";
import type { LogPosition } from "../logs/log-files.ts";
import { readJson, writeAtomically } from "./atomic-file.ts";
import { runFiles } from "./folders.ts";
import type { InsideWrapper, Wrapper } from "./wrapper/wrapper.ts";

const version = 1;

/** The record of an intent to launch, written before the launch; whatever happens then, the next daemon knows of it. */
export interface RunRecord {
  readonly version: typeof version;
  readonly request: StartRequest;
  readonly launch: LaunchRequest;
  readonly wrapper: Wrapper | null;
  readonly inside: InsideWrapper | null;
  readonly facts: Omit<RunFacts, "pid" | "startedAt">;
  readonly cgroup: CgroupLocation | null;
  /** Where its lines begin in the instance's log; null: at the beginning. */
  readonly logFrom: LogPosition | null;
}

/** A stop that was begun: who asks later gets the rest of its grace. */
export interface StopIntent {
  readonly signal: string;
  readonly graceMs: number;
  /** Unix milliseconds. */
  readonly killAt: number;
}

export function writeRunRecord(folder: string, record: Omit<RunRecord, "version">): void {
  writeAtomically(`${folder}/${runFiles.record}`, JSON.stringify({ version, ...record }));
}

/** The record of a run; null when its daemon died before it was written. @throws Error when it is of another version */
export function readRunRecord(folder: string): RunRecord | null {
  const value = readJson(`${folder}/${runFiles.record}`) as RunRecord | null;
  if (value === null) return null;
  if ((value.version as number) === version && typeof value.request?.runId === "string")
    // What was started before there was more than one way does not say which.
    return { ...value, facts: { ...value.facts, start: startOf(value.facts) } };
  throw new Error(`${folder} holds a run of version ${String(value.version)}; this is version ${version}`);
}

const startOf = ({ start = "cold" }: { readonly start?: StartPath }): StartPath => start;

export function writeNotes(folder: string, notes: RunNotes): void {
  writeAtomically(`${folder}/${runFiles.notes}`, JSON.stringify(notes));
}

export function readNotes(folder: string): RunNotes {
  const notes = readJson(`${folder}/${runFiles.notes}`) as Partial<RunNotes> | null;
  return { ...noNotes, ...notes };
}

export function writeStop(folder: string, stop: StopIntent): void {
  writeAtomically(`${folder}/${runFiles.stop}`, JSON.stringify(stop));
}

export function readStop(folder: string): StopIntent | null {
  return readJson(`${folder}/${runFiles.stop}`) as StopIntent | null;
}
