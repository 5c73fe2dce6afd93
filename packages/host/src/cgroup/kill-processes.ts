import { errnoOf } from "../failure.ts";

/** SIGKILLs processes that were just read from a frozen or doomed group; answers how many were still there. */
export function killAll(pids: readonly number[]): number {
  let killed = 0;
  for (const pid of pids) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, "SIGKILL");
      killed++;
    } catch (error) {
      if (errnoOf(error) !== "ESRCH" && errnoOf(error) !== "EPERM") throw error;
    }
  }
  return killed;
}
