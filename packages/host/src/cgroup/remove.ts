import { rmdirSync } from "node:fs";
import { errnoOf } from "../failure.ts";
import { waitUntil } from "./bounded-wait.ts";
import type { RemoveOutcome } from "./cgroup.ts";
import { processesBelow, subtree } from "./processes.ts";

/** Removes directories and all below them; the kernel answers EBUSY for some moments after the last process ended. */
export async function removeDirectories(directories: readonly string[], timeoutMs: number): Promise<RemoveOutcome> {
  const left = new Set(directories);
  let reason = "";
  const tryAll = (): boolean => {
    for (const directory of left) {
      const failure = removeTree(directory);
      if (failure === undefined) left.delete(directory);
      else reason = failure;
    }
    return left.size === 0;
  };
  if (await waitUntil(tryAll, timeoutMs)) return { kind: "removed" };
  const pids = [...left].flatMap(processesBelow);
  return {
    kind: "busy",
    reason: pids.length > 0 ? `${reason}; processes inside: ${pids.slice(0, 10).join(", ")}` : reason,
  };
}

function removeTree(root: string): string | undefined {
  for (const directory of subtree(root)) {
    try {
      rmdirSync(directory);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== "ENOENT") return `${directory}: ${errno ?? String(error)}`;
    }
  }
  return undefined;
}
