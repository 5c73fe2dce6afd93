import { readFileSync } from "node:fs";
import { errnoOf } from "./file-error.ts";

/** Bytes of an exit record (launcher/records.c). */
export const EXIT_RECORD_BYTES = 128;
const MAGIC = 0x54495843;
const VERSION = 1;
const KIND_ENDED = 1;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;
const FLAG_KILLED = 1;

/** How an instance ended, as its supervisor saw it. */
export interface ExitRecord {
  readonly ending: Ending;
  /** Everything was killed through the control FIFO (killInstance). */
  readonly killed: boolean;
  /** Wall clock in milliseconds since 1970; null when it never started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  /** From exec to the end, by the monotonic clock; null when it never started. */
  readonly ranMs: number | null;
  /** Resources of all its processes together. */
  readonly userCpuUs: number;
  readonly systemCpuUs: number;
  /** Resident memory of its largest process at its peak. */
  readonly peakMemoryBytes: number;
  readonly majorFaults: number;
  readonly droppedLogBytes: number;
}

export type Ending =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: number; readonly coreDumped: boolean }
  /** A step of the plan failed; nothing ran. */
  | { readonly kind: "start-failed"; readonly stepIndex: number; readonly errno: number };

/** The exit record of an instance folder; null when there is none (it runs, or its supervisor was killed), or none that can be read. */
export function readExitRecord(instanceDir: string): ExitRecord | null {
  const path = `${instanceDir}/exit`;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  return isRecord(bytes) ? parseExitRecord(bytes, path) : null;
}

const isRecord = (bytes: Buffer): boolean =>
  bytes.length === EXIT_RECORD_BYTES && bytes.readUInt32LE(0) === MAGIC && bytes.readUInt16LE(4) === VERSION;

/** @throws Error when the bytes are no exit record; `where` names them in its message */
export function parseExitRecord(bytes: Buffer, where: string): ExitRecord {
  if (!isRecord(bytes))
    throw new Error(`${where} holds ${bytes.length} bytes that are no exit record of version ${VERSION}`);
  const startedNs = bytes.readBigUInt64LE(40);
  return {
    ending: endingOf(bytes),
    killed: (bytes.readUInt32LE(124) & FLAG_KILLED) !== 0,
    startedAtMs: startedNs === 0n ? null : milliseconds(bytes.readBigUInt64LE(32)),
    endedAtMs: milliseconds(bytes.readBigUInt64LE(16)),
    ranMs: startedNs === 0n ? null : milliseconds(bytes.readBigUInt64LE(24) - startedNs),
    userCpuUs: Number(bytes.readBigUInt64LE(48)),
    systemCpuUs: Number(bytes.readBigUInt64LE(56)),
    peakMemoryBytes: Number(bytes.readBigUInt64LE(64)),
    majorFaults: Number(bytes.readBigUInt64LE(80)),
    droppedLogBytes: Number(bytes.readBigUInt64LE(104)),
  };
}

function endingOf(bytes: Buffer): Ending {
  if (bytes.readUInt16LE(6) !== KIND_ENDED)
    return { kind: "start-failed", stepIndex: bytes.readUInt32LE(112), errno: bytes.readInt32LE(116) };
  const code = bytes.readInt32LE(8);
  const value = bytes.readInt32LE(12);
  if (code === CLD_EXITED) return { kind: "exited", exitCode: value };
  return { kind: "signaled", signal: value, coreDumped: code === CLD_DUMPED };
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}
