import type { RunLogLine } from "../driver/driver.ts";
import { parseEntry } from "./parse-entry.ts";

/** Characters up to which the pieces of one long line are put together; what is longer comes in several lines. */
const longestLine = 1024 * 1024;

/** Puts bytes of log files together into lines: across reads, across files, and across the pieces of long lines. */
export class LineJoiner {
  readonly #decoder = new TextDecoder();
  #rest = "";
  readonly #begun: Record<"stdout" | "stderr", RunLogLine | null> = { stdout: null, stderr: null };

  /** Takes the next bytes; gives the lines that are complete now. */
  take(bytes: Uint8Array): RunLogLine[] {
    const entries = `${this.#rest}${this.#decoder.decode(bytes, { stream: true })}`.split("\n");
    this.#rest = entries.pop() ?? "";
    return entries.flatMap((entry) => this.#entry(entry));
  }

  /** Forgets what is incomplete: the bytes that would complete it are lost. */
  reset(): void {
    this.#decoder.decode();
    this.#rest = "";
    this.#begun.stdout = null;
    this.#begun.stderr = null;
  }

  #entry(text: string): RunLogLine[] {
    const entry = parseEntry(text);
    if (entry === null) return [];
    const { time, stream, whole } = entry;
    const begun = this.#begun[stream];
    const line = begun === null ? { time, stream, text: entry.text } : { ...begun, text: begun.text + entry.text };
    const complete = whole || line.text.length >= longestLine;
    this.#begun[stream] = complete ? null : line;
    return complete ? [line] : [];
  }
}
