import type { ServerResponse } from "node:http";
import { ConstellationError, type StreamError } from "@constellation/contract";
import { beginLines } from "./answer.ts";
import { publicError, type ReportFault } from "./failure.ts";

/** Text that waits for others to travel with, or for a caller who does not read; more is not asked for. */
const gatheredAtMost = 65_536;

/**
 * Answers with values as one JSON value a line; of an array each element is a line. Values are asked for only as fast as
 * the caller takes their text. A failure midway becomes the last line, see {@link StreamError}.
 *
 * @param stop aborted when the caller is gone or the server closes: a source that waits may then fail or end as it likes; the
 * last line tells a caller who is there that more would have come
 */
export async function answerJsonLines(
  response: ServerResponse,
  values: AsyncIterable<unknown>,
  stop: AbortSignal,
  report: ReportFault,
): Promise<void> {
  beginLines(response);
  const lines = new Lines(response);
  try {
    for await (const value of values) {
      lines.add(linesOf(value));
      if (lines.isFull) await lines.taken();
      if (response.destroyed) return;
    }
  } catch (error) {
    if (!stop.aborted) lines.add(lastLine(error, report));
  }
  if (stop.aborted && !response.destroyed) lines.add(lastLine(ending(), report));
  lines.end();
}

/**
 * Lines on their way. Those told first in a turn of the event loop leave when whatever runs now has come to its end, so
 * that news are not held up; those that follow in the same turn leave together when it is over.
 */
class Lines {
  readonly #response: ServerResponse;
  #text = "";
  #isLeaving = false;
  #hasLeft = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    if (this.#hasLeft) setImmediate(this.#leave);
    else process.nextTick(this.#leave);
  }

  get isFull(): boolean {
    return this.#text.length >= gatheredAtMost || this.#response.writableNeedDrain;
  }

  /** Resolves when the caller has taken what there is, or is gone. By hand: `once` with a signal makes an error each time. */
  taken(): Promise<void> {
    this.#leave();
    const response = this.#response;
    if (!response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  }

  end(): void {
    this.#leave();
    this.#response.end();
  }

  readonly #leave = (): void => {
    this.#isLeaving = false;
    if (this.#text === "" || this.#response.destroyed) return;
    const { socket } = this.#response;
    // By itself Node waits for the next tick with it.
    socket?.cork();
    this.#response.write(this.#text);
    socket?.uncork();
    this.#text = "";
    this.#hasLeft = true;
    setImmediate(() => (this.#hasLeft = false));
  };
}

function linesOf(value: unknown): string {
  if (!Array.isArray(value)) return `${JSON.stringify(value)}\n`;
  let text = "";
  for (const each of value) text += `${JSON.stringify(each)}\n`;
  return text;
}

const ending = (): ConstellationError =>
  new ConstellationError("daemon.unreachable", "The daemon ends, and with it this stream; instances go on", {
    remedy: "Follow it again: the next call starts a daemon where none runs.",
  });

function lastLine(error: unknown, report: ReportFault): string {
  const line: StreamError = { error: publicError(error, report).toJSON() };
  return `${JSON.stringify(line)}\n`;
}
