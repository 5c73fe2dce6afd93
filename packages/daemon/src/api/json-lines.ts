import type { StreamError } from "@constellation/contract";
import { publicError, type ReportFault } from "./failure.ts";

/** Text gathered into one write while values come faster than the caller reads. */
const batchLength = 65_536;

/**
 * Values as one JSON value a line; of an array each element is a line. Values are asked for only as fast as the text is
 * taken; those that are there at once travel together. A failure midway becomes the last line, see {@link StreamError}.
 *
 * @param stop aborted when the caller is gone: a source that waits may then fail or end as it likes
 */
export async function* jsonLines(
  values: AsyncIterable<unknown>,
  stop: AbortSignal,
  report: ReportFault,
): AsyncGenerator<string, void> {
  const iterator = values[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<unknown>> | null = null;
  try {
    for (;;) {
      let text = "";
      while (text.length < batchLength) {
        pending ??= iterator.next();
        const result = await (text === "" ? pending : Promise.race([pending, nextTurn()]));
        if (result === null) break;
        pending = null;
        if (result.done === true) {
          if (text !== "") yield text;
          return;
        }
        text += linesOf(result.value);
      }
      yield text;
    }
  } catch (error) {
    if (!stop.aborted) yield lastLine(error, report);
  } finally {
    // A source that still works at a value ends by the signal.
    pending?.catch(() => undefined);
    await iterator.return?.();
  }
}

function linesOf(value: unknown): string {
  if (!Array.isArray(value)) return `${JSON.stringify(value)}\n`;
  let text = "";
  for (const each of value) text += `${JSON.stringify(each)}\n`;
  return text;
}

function lastLine(error: unknown, report: ReportFault): string {
  const line: StreamError = { error: publicError(error, report).toJSON() };
  return `${JSON.stringify(line)}\n`;
}

const nextTurn = (): Promise<null> => new Promise((resolve) => setImmediate(resolve, null));
