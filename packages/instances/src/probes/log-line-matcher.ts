import { createContext, Script } from "node:vm";
import type { RunHandle } from "../driver/driver.ts";
import type { ProbeResult } from "./probe-result.ts";

/** Characters of a line that are looked at. */
const lineLength = 8192;
/** Lines that are looked at in one go. */
const batchLines = 512;
/** Time that one go may take; a pattern that needs more (catastrophic backtracking) is given up. */
const batchTimeoutMs = 50;

/** A log that could not be read is tried again so often, from its beginning. */
const followAgainMs = 500;

/** Follows a run's log until one line matches a pattern. The pattern is the user's: it gets its own context and a time limit. */
export class LogLineMatcher {
  readonly #pattern: string;
  readonly #stop = new AbortController();
  readonly #search: (lines: readonly string[]) => number;
  readonly #news: () => void;
  #state: ProbeResult;
  #batch: string[] = [];

  /** @param news called when a line has matched. @default nobody is told */
  constructor(handle: RunHandle, pattern: string, news: () => void = () => undefined) {
    this.#pattern = pattern;
    this.#news = news;
    this.#search = timedSearch(pattern);
    this.#state = { ok: false, detail: `no line matches /${pattern}/ yet` };
    void this.#follow(handle);
  }

  /** Whether a line has matched until now. */
  get result(): ProbeResult {
    return this.#state;
  }

  close(): void {
    this.#stop.abort();
  }

  async #follow(handle: RunHandle): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    try {
      for await (const { text } of handle.logs({ from: "beginning", signal })) {
        this.#batch.push(text.slice(0, lineLength));
        if (this.#batch.length === 1) setImmediate(() => this.#look());
        if (this.#batch.length >= batchLines) this.#look();
        if (signal.aborted) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const detail = `its log cannot be followed: ${error instanceof Error ? error.message : String(error)}`;
      this.#state = { ok: false, detail };
      // Without a free descriptor, for one, which may be there in a moment.
      setTimeout(() => void this.#follow(handle), followAgainMs).unref();
    }
  }

  #look(): void {
    const lines = this.#batch;
    this.#batch = [];
    if (lines.length === 0 || this.#stop.signal.aborted) return;
    try {
      const at = this.#search(lines);
      if (at < 0) return;
      this.#give(true, `the line ${JSON.stringify(lines[at]?.slice(0, 120))}`);
    } catch {
      this.#give(
        false,
        `the pattern /${this.#pattern}/ took more than ${batchTimeoutMs} ms on its lines and was given up`,
      );
    }
  }

  #give(ok: boolean, detail: string): void {
    this.#state = { ok, detail };
    this.close();
    if (ok) this.#news();
  }
}

/** Index of the first line that matches, -1 for none. V8 interrupts a regular expression only inside a timed script. */
function timedSearch(pattern: string): (lines: readonly string[]) => number {
  const sandbox: { pattern: RegExp; lines: readonly string[] } = { pattern: new RegExp(pattern, "u"), lines: [] };
  const context = createContext(sandbox, { codeGeneration: { strings: false, wasm: false } });
  const script = new Script("lines.findIndex((line) => pattern.test(line))");
  return (lines) => {
    sandbox.lines = lines;
    return script.runInContext(context, { timeout: batchTimeoutMs }) as number;
  };
}
