import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";

/**
 * Does one thing to each app, one after the other. Ctrl-C ends only the waiting: the daemon goes on with what it was told.
 *
 * @throws ConstellationError `call.cancelled`, naming the app that is at work and those that nothing was done to; what `act` throws
 */
export async function oneByOne(
  apps: readonly string[],
  { signal }: Pick<Context, "signal">,
  act: (app: string) => Promise<void>,
): Promise<void> {
  for (const [at, app] of apps.entries()) {
    if (signal.aborted) throw cancelled(null, apps.slice(at));
    try {
      await act(app);
    } catch (cause) {
      if (!(cause instanceof ConstellationError) || cause.code !== "call.cancelled") throw cause;
      throw cancelled(app, apps.slice(at + 1), cause);
    }
  }
}

/** @param told the app that the daemon goes on with */
function cancelled(told: string | null, left: readonly string[], cause?: ConstellationError): ConstellationError {
  const going = told === null ? [] : [`Waiting for ${told} was cancelled; the work goes on`];
  const untouched = left.length === 0 ? [] : [`nothing was done to ${left.join(", ")}`];
  const text = [...going, ...untouched].join(", and ");
  return new ConstellationError("call.cancelled", text.charAt(0).toUpperCase() + text.slice(1), { cause });
}
