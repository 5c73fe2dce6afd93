import type { IncomingMessage } from "node:http";
import { ConstellationError, readStreamError } from "@constellation/contract";

/**
 * The values of a stream, one JSON value a line. Leaving the loop, or aborting `signal`, ends the stream.
 *
 * @throws ConstellationError what broke the stream on the daemon's side, `daemon.unreachable` when the daemon went away
 */
export async function* readJsonLines<T>(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  response.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const value: unknown = JSON.parse(line);
        const error = readStreamError(value);
        if (error !== null) throw error;
        yield value as T;
      }
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    if (error instanceof ConstellationError) throw error;
    throw new ConstellationError("daemon.unreachable", "The daemon ended the stream before it was complete", {
      cause: error,
      remedy: "See whether it runs with `constellation daemon status`.",
    });
  } finally {
    response.destroy();
  }
}
