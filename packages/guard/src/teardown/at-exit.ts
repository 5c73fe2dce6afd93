import { findByEnvironment, signalProcess } from "@constellation/host";
import { markerOf } from "../run/marker.ts";
import type { Remains } from "./teardown.ts";

/** Whoever ends us waits for this long at most. */
const mostMs = 1000;
const cell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Ends a run's processes when this process exits before its teardown: by a second Ctrl-C, an error that nobody caught. They
 * are in sessions of their own and would go on, with nobody who looks at memory. The place is left to the next run or the
 * daemon. The function that it gives calls it off.
 */
export function endAtExit(remains: Omit<Remains, "leaders">): () => void {
  const end = (): void => endNow(remains);
  process.once("exit", end);
  return () => void process.off("exit", end);
}

/** Nothing can be waited for here but by waiting: the first turn of each promise is all of it that runs. */
function endNow({ run, cgroup }: Omit<Remains, "leaders">): void {
  for (const until = performance.now() + mostMs; performance.now() < until; Atomics.wait(cell, 0, 0, 5)) {
    void cgroup?.kill({ timeoutMs: 1 }).catch(() => undefined);
    const found = findByEnvironment(markerOf(run));
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const each of found) signalProcess(each, signal);
    if (found.length === 0 && cgroup?.isPopulated() !== true) break;
  }
  void cgroup?.remove({ timeoutMs: 1 }).catch(() => undefined);
}
