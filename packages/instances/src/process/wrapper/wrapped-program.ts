import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf, identifyProcess, type ProcessIdentity } from "@constellation/host";
import type { PidFile } from "../../launch/index.ts";
import type { RunRecord } from "../run-record.ts";
import { depthOf } from "./wrapper.ts";

/** Programs that stand on the way to the instance's own, which is not there before they have become it. */
const onTheWay = ["bwrap", "unshare", "launcher"];
const patienceMs = 5000;

/** The program below a wrapper; undefined before it was made. */
export function wrappedProgram({ inside, wrapper }: RunRecord, { main }: PidFile): ProcessIdentity | undefined {
  if (main === null || inside === null || wrapper === null) return undefined;
  let pid: number | undefined = main.pid;
  for (let level = 0; level < depthOf(inside, wrapper) && pid !== undefined; level += 1) pid = childrenOf(pid)[0];
  return pid === undefined || !isExecuted(pid) ? undefined : identifyProcess(pid);
}

/** The same, waited for while its wrapper lives; undefined when that has ended. */
export async function awaitWrappedProgram(
  record: RunRecord,
  pids: PidFile,
  signal: AbortSignal,
): Promise<ProcessIdentity | undefined> {
  for (const end = performance.now() + patienceMs; ;) {
    const program = wrappedProgram(record, pids);
    const lives = pids.main !== null && identifyProcess(pids.main.pid) !== undefined;
    if (program !== undefined || !lives || performance.now() > end) return program;
    await sleep(5, undefined, { signal });
  }
}

function isExecuted(pid: number): boolean {
  try {
    return !onTheWay.includes(basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "")));
  } catch {
    return false; // a wrapper does not let itself be looked at, a program does
  }
}
