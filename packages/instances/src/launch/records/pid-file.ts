import { readFileSync } from "node:fs";
import type { ProcessIdentity } from "@constellation/host";
import { errnoOf } from "./file-error.ts";

/** A process by its number and the clock tick since boot at which it started: together they never repeat. */
export interface ProcessStamp {
  readonly pid: number;
  readonly startTicks: bigint;
}

/** The process of a stamp, as the machine knows it. */
export const identityOf = ({ pid, startTicks }: ProcessStamp): ProcessIdentity => ({
  pid,
  startTicks: Number(startTicks),
});

/** The processes of a running instance, as this machine numbers them. */
export interface PidFile {
  readonly supervisor: ProcessStamp;
  /** Absent without a PID namespace. */
  readonly init: ProcessStamp | null;
  /** The program itself; null when it ended before it could be looked at. */
  readonly main: ProcessStamp | null;
  /** Wall clock in milliseconds since 1970; null for a slot that waits. */
  readonly startedAtMs: number | null;
}

/** The pid file of an instance folder; null when the instance has not begun to run, or what is there cannot be read. */
export function readPidFile(instanceDir: string): PidFile | null {
  const path = `${instanceDir}/pid`;
  let content: string;
  try {
    content = readFileSync(path, "latin1");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  return parsePidFile(content);
}

function parsePidFile(content: string): PidFile | null {
  if (!content.endsWith("end\n")) return null; // being written right now
  const stamp = (name: string): ProcessStamp | null => {
    const found = new RegExp(`^${name} (\\d+) (\\d+)$`, "mu").exec(content);
    return found?.[1] === undefined || found[2] === undefined
      ? null
      : { pid: Number(found[1]), startTicks: BigInt(found[2]) };
  };
  const supervisor = stamp("supervisor");
  if (supervisor === null) return null;
  const started = BigInt(/^started (\d+)$/mu.exec(content)?.[1] ?? "0");
  return { supervisor, init: stamp("init"), main: stamp("main"), startedAtMs: startedAt(started) };
}

/** Milliseconds since 1970, of the nanoseconds that a supervisor tells; 0 is not yet. */
export function startedAt(ns: bigint): number | null {
  return ns === 0n ? null : Number(ns / 1000n) / 1000;
}
