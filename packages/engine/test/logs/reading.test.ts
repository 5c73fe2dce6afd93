import { afterEach, describe, expect, test } from "vitest";
import type { LogLine } from "../../src/index.ts";
import type { EntrySource } from "../../src/logs/merge.ts";
import { followBatches, type LogBackend } from "../../src/logs/reading.ts";

/** A log that always has another line by the time it is looked at, from the moment on that it is stirred. */
class NoisySource implements EntrySource {
  readonly instance = "noisy";
  state: "reading" | "dry" | "ended";
  #taken = 0;

  constructor(state: "reading" | "dry") {
    this.state = state;
  }

  get head(): LogLine | undefined {
    if (this.state !== "reading") return undefined;
    const cursor = { file: 1, end: this.#taken, time: "2026" };
    const text = String(this.#taken);
    return { kind: "line", instance: this.instance, time: "2026", stream: "stdout", text, continues: false, cursor };
  }

  take(): LogLine | undefined {
    const line = this.head;
    this.#taken += 1;
    return line;
  }

  fill(): void {}
  flush(): void {}

  stir(): void {
    this.state = "reading";
  }

  close(): void {
    this.state = "ended";
  }
}

const stop = new AbortController();
afterEach(() => stop.abort());

function backendOf(source: EntrySource): LogBackend {
  return {
    closing: stop.signal,
    chosen: () => [source.instance],
    forQuery: () => source,
    forFollow: () => source,
    watch: () => ({
      add() {},
      remove() {},
      close() {},
      // The time to look has come, and nothing was heard: as where the system has no watches left.
      wait: () => Promise.resolve({ looked: true, listing: false, written: new Set<string>() }),
    }),
  };
}

describe("who follows an instance that never stops writing hears of it", () => {
  test.each([
    { tail: 0, state: "reading" },
    { tail: 3, state: "reading" },
    { tail: 0, state: "dry" },
  ] as const)("from its last $tail lines on, $state at first", async ({ tail, state }) => {
    const source = new NoisySource(state);
    const texts: string[] = [];
    for await (const batch of followBatches({ from: { tail } }, backendOf(source))) {
      for (const entry of batch) if (entry.kind === "line") texts.push(entry.text);
      if (texts.length > 2000) break;
    }
    expect(texts).toEqual(Array.from({ length: texts.length }, (_, index) => String(index)));
    expect(source.state).toBe("ended");
  });
});
