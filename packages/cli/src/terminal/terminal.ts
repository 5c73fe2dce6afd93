import { once } from "node:events";
import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import type { WriteStream } from "node:tty";
import { exitCodes } from "@constellation/contract";
import { type Style, styleFor } from "./style.ts";

/** A stream that text is written to, and what it can show. */
export interface Terminal {
  readonly interactive: boolean;
  readonly style: Style;
  /** Columns that a line may take; Infinity when it goes to a file or another program. */
  readonly width: () => number;
  readonly height: () => number;
  readonly write: (text: string) => void;
  /** Writes a line. */
  readonly line: (text?: string) => void;
  /** From now on the command goes on when nobody is left to read: it has more to bring to its end than words. */
  readonly outliveReader: () => void;
  /** Resolves when there is room for more, or `signal` aborts: who writes without end waits for who reads. */
  readonly room: (signal: AbortSignal) => Promise<void>;
}

/** A terminal over a stream of this process. */
export function terminal(
  stream: Writable & Partial<Pick<WriteStream, "isTTY" | "columns" | "rows">>,
  environment: NodeJS.ProcessEnv,
): Terminal {
  const interactive = stream.isTTY === true && environment["TERM"] !== "dumb";
  const write = (text: string): void => void stream.write(text);
  let outlivesReader = false;
  // The reader of a pipe may leave (`constellation logs | head`): that is not an error.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // EIO: a terminal that was closed.
    if (outlivesReader && (error.code === "EPIPE" || error.code === "EIO")) return;
    if (error.code === "EPIPE") process.exit(exitCodes.ok.code);
    complain(`Error: What was to be told could not be written: ${error.message}\n`);
    process.exit(exitCodes.failed.code);
  });
  return {
    interactive,
    style: styleFor(wantsColor(interactive, environment)),
    width: () => (interactive ? stream.columns || 80 : Infinity),
    height: () => stream.rows || 24,
    write,
    line: (text = "") => write(`${text}\n`),
    outliveReader: () => void (outlivesReader = true),
    room: async (signal) => {
      if (stream.writableNeedDrain) await once(stream, "drain", { signal }).catch(() => undefined);
    },
  };
}

/** To standard error, past the streams of Node: one of them is what is broken. */
function complain(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Then nobody can be told.
  }
}

/** See https://no-color.org and https://force-color.org. */
function wantsColor(interactive: boolean, environment: NodeJS.ProcessEnv): boolean {
  if (environment["NO_COLOR"]) return false;
  if (environment["FORCE_COLOR"]) return environment["FORCE_COLOR"] !== "0";
  return interactive;
}
