import { childrenOf, identifyProcess, type ProcessIdentity } from "@constellation/host";
import type { PidFile } from "../launch/index.ts";
import type { RunRecord } from "./run-record.ts";

/** The program below bubblewrap: the child of its init, or its own where there is none; undefined before it was made. */
export function wrappedProgram({ inside }: RunRecord, { main }: PidFile): ProcessIdentity | undefined {
  if (main === null || inside === null) return undefined;
  const depth = inside.isolation.pid ? 2 : 1;
  let pid: number | undefined = main.pid;
  for (let level = 0; level < depth && pid !== undefined; level += 1) pid = childrenOf(pid)[0];
  return pid === undefined ? undefined : identifyProcess(pid);
}
