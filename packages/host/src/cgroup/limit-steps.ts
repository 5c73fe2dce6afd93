import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { errnoOf } from "../failure.ts";
import type { LimitName, LimitVerdict, UnenforceableLimit } from "./limits.ts";

/** One bound as the kernel takes it: what is written where, and what the file must say afterwards. */
export type LimitStep =
  | {
      readonly kind: "write";
      readonly limit: LimitName;
      readonly wanted: string;
      readonly path: string;
      readonly text: string;
      /** Judges the file's text after the write. */
      readonly holds: (readBack: string) => boolean;
      readonly remedy: string;
    }
  | { readonly kind: "missing"; readonly unenforceable: UnenforceableLimit };

/** Limit files are one line; io.max has one line for each throttled device. */
const readBuffer = Buffer.allocUnsafeSlow(16 * 1024);

/** Writes each bound, reads it back and compares; goes on after one that cannot be enforced, so that all are named. */
export function applyLimitSteps(steps: readonly LimitStep[]): LimitVerdict {
  const limits = steps.flatMap((step) => {
    if (step.kind === "missing") return [step.unenforceable];
    const missing = writeAndVerify(step);
    return missing === undefined ? [] : [{ limit: step.limit, wanted: step.wanted, missing, remedy: step.remedy }];
  });
  return limits.length === 0 ? { kind: "enforced" } : { kind: "unenforceable", limits };
}

/** One descriptor for both: a start waits for this. No O_CREAT or O_TRUNC, since a kernel file is there or it is not. */
function writeAndVerify(step: Extract<LimitStep, { kind: "write" }>): string | undefined {
  let fd: number | undefined;
  let readBack: string;
  try {
    fd = openSync(step.path, "r+");
    writeSync(fd, step.text, 0);
    readBack = readBuffer.toString("latin1", 0, readSync(fd, readBuffer, 0, readBuffer.length, 0));
  } catch (error) {
    return describeWriteFailure(step.path, error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return step.holds(readBack)
    ? undefined
    : `${step.path} says ${JSON.stringify(readBack.trim().slice(0, 80))} after ${JSON.stringify(step.text)} was written`;
}

function describeWriteFailure(path: string, error: unknown): string {
  const errno = errnoOf(error);
  if (errno === "ENOENT") return `the kernel has no ${path}`;
  if (errno === "EBUSY") return `more is in use than ${path} would allow, and the kernel could not reclaim it`;
  return `${path} refused the value (${errno ?? String(error)})`;
}
