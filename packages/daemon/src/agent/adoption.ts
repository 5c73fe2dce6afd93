import { instanceName } from "@constellation/instances";
import type { Observations } from "./observations.ts";

/** Longest time to wait for runs that cannot be found out about at once. */
const patienceMs = 2000;

/**
 * Resolves to how many of the expected runs were found running, when all have been found out about, or after a while.
 *
 * @param expected names of runs by those of their instances
 */
export function countAdopted(observations: Observations, expected: ReadonlyMap<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const open = new Map(expected);
    let adopted = 0;
    const end = (): void => {
      clearTimeout(timer);
      stop();
      resolve(adopted);
    };
    const timer = setTimeout(end, patienceMs);
    timer.unref();
    const stop = observations.onChange(({ app, index, state, run }) => {
      const instance = instanceName({ app, index });
      const runId = open.get(instance);
      if (state.status === "starting" || !open.delete(instance)) return;
      // One that had never begun is another run by now.
      if (state.status === "running" && run?.handle.facts.runId === runId) adopted += 1;
      if (open.size === 0) end();
    });
    if (open.size === 0) end();
  });
}
