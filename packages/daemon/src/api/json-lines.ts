import type { StreamError } from "@constellation/contract";
import { publicError, type ReportFault } from "./failure.ts";

/** Bytes gathered into one write while values come faster than the caller reads. */
const batchBytes = 65_536;
const encoder = new TextEncoder();

/**
 * A body of one JSON value a line. Values are asked for only as fast as the caller reads; those that are there at once
 * travel together. A failure midway becomes the last line, see {@link StreamError}.
 *
 * @param stop ends the source when the caller is gone
 */
export function jsonLines(
  values: AsyncIterable<unknown>,
  stop: AbortController,
  report: ReportFault,
): ReadableStream<Uint8Array> {
  const iterator = values[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<unknown>> | null = null;

  const fill = async (): Promise<{ text: string; ended: boolean }> => {
    let text = "";
    while (text.length < batchBytes) {
      pending ??= iterator.next();
      const result = await (text === "" ? pending : Promise.race([pending, nextTurn()]));
      if (result === null) break;
      pending = null;
      if (result.done === true) return { text, ended: true };
      text += `${JSON.stringify(result.value)}\n`;
    }
    return { text, ended: false };
  };

  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { text, ended } = await fill();
          if (text !== "") controller.enqueue(encoder.encode(text));
          if (ended) controller.close();
        } catch (error) {
          if (!stop.signal.aborted) controller.enqueue(encoder.encode(lastLine(error, report)));
          controller.close();
        }
      },
      cancel: async () => {
        stop.abort();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function lastLine(error: unknown, report: ReportFault): string {
  const line: StreamError = { error: publicError(error, report).toJSON() };
  return `${JSON.stringify(line)}\n`;
}

const nextTurn = (): Promise<null> => new Promise((resolve) => setImmediate(resolve, null));
