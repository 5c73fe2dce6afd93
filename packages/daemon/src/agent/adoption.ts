import { instanceName } from "@constellation/instances";
import type { Observations } from "./observations.ts";

/** Longest time to wait for runs that cannot be found out about at once. */
const patienceMs = 2000;

/** Resolves to how many of the expected runs were found running, when all have been found out about, or after a while. */
export function countAdopted(observations: Observations, expected: ReadonlySet<string>): Promise<number> {
  return new Promise((resolve) => {
    const open = new Set(expected);
    let adopted = 0;
    const end = (): void => {
      clearTimeout(timer);
      stop();
      resolve(adopted);
    };
    const timer = setTimeout(end, patienceMs);
    timer.unref();
    const stop = observations.onChange(({ app, index, state }) => {
      if (state.status === "starting" || !open.delete(instanceName({ app, index }))) return;
      if (state.status === "running") adopted += 1;
      if (open.size === 0) end();
    });
    if (open.size === 0) end();
  });
}
