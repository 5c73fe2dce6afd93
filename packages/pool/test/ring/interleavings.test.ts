import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRing } from "@constellation/pool";

/** Words that one side shares with this test. */
const control = { phase: 0, sleepsOn: 1, rings: 2, passed: 3 };
/** What a side is at; `running` is set here, the others by the side. */
const phase = { running: 0, ready: 1, asleep: 2, done: 3 };

/** One side of the ring, stepped operation by operation. */
class Side {
  readonly #worker = new Worker(new URL("../fixtures/stepped-ring.js", import.meta.url), {
    // The loader hooks of a test runner are for its own threads.
    execArgv: [],
    workerData: { control, phase },
  });
  words = new Int32Array(new SharedArrayBuffer(16));

  begin(scenario: object): void {
    this.words = new Int32Array(new SharedArrayBuffer(16));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage({ ...scenario, shared: this.words.buffer });
    this.settle();
  }

  get phase(): number {
    return Atomics.load(this.words, control.phase);
  }

  /** Lets it do its next operation, or wakes it; returns when it wants another, sleeps, or is done. */
  step(): void {
    Atomics.store(this.words, control.rings, -1);
    Atomics.store(this.words, control.phase, phase.running);
    Atomics.notify(this.words, control.phase);
    this.settle();
  }

  settle(): void {
    while (this.phase === phase.running)
      if (Atomics.wait(this.words, control.phase, phase.running, 10_000) === "timed-out")
        throw new Error("a side did not come to its next operation in 10 s");
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

let writer: Side;
let reader: Side;
beforeAll(() => {
  writer = new Side();
  reader = new Side();
});
afterAll(() => Promise.all([writer.end(), reader.end()]));

/** Steps both sides in the given order until both are done; says who sleeps for ever when none can go on. */
function play(order: readonly boolean[]): string {
  for (let at = 0; ; at += 1) {
    const able = [writer, reader].filter((side) => side.phase === phase.ready);
    if (able.length === 0)
      return [writer, reader].map((side) => (side.phase === phase.done ? "done" : "asleep")).join(" and ");
    const next = able.length === 1 ? able[0] : order[at % order.length] ? writer : reader;
    if (next === undefined) throw new Error("nobody to step");
    next.step();
    const other = next === writer ? reader : writer;
    const rung = Atomics.load(next.words, control.rings);
    if (other.phase === phase.asleep && Atomics.load(other.words, control.sleepsOn) === rung) other.step();
  }
}

it("no order of operations loses a frame or leaves a side asleep, whoever closes and whenever", () => {
  const closing = fc.option(fc.record({ by: fc.constantFrom("writer", "reader"), after: fc.nat(4) }));
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 1, max: 5 }),
      closing,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
      (capacity, frames, close, order) => {
        const ring = createRing({ frames: capacity, frameBytes: 8 });
        const closesAfter = (side: string): number => (close?.by === side ? close.after : -1);
        writer.begin({ side: "writer", ring, frames, closesAfter: closesAfter("writer") });
        reader.begin({ side: "reader", ring, frames, closesAfter: closesAfter("reader") });
        expect(play(order)).toBe("done and done");
        const [sent, got] = [writer, reader].map((side) => Atomics.load(side.words, control.passed)) as [
          number,
          number,
        ];
        const bound = close === null ? frames : Math.min(frames, close.after);
        // What was sent before the writer closed arrives; a reader that closes stops where it wanted to.
        if (close === null || close.by === "writer") expect([sent, got]).toEqual([bound, bound]);
        else {
          expect(got).toBe(bound);
          expect(sent).toBeGreaterThanOrEqual(bound);
        }
      },
    ),
    { numRuns: 1500 },
  );
});
