import { describe, expect, it } from "vitest";
import { TimerWheel, WheelEntry } from "../../src/time/timer-wheel.ts";
import { fc } from "../fixtures/fast-check.ts";

class Entry extends WheelEntry {
  readonly id: number;
  readonly #fired: number[];
  constructor(id: number, fired: number[]) {
    super();
    this.id = id;
    this.#fired = fired;
  }
  override expire(): void {
    this.#fired.push(this.id);
  }
}

const delay = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 0, max: 300_000 }),
  fc.integer({ min: 0, max: 40_000_000_000 }),
  fc.integer({ min: 60_000_000_000, max: 200_000_000_000 }),
  fc.double({ min: 0, max: 100, noNaN: true }),
);
const action = fc.oneof(
  fc.record({ kind: fc.constant("arm" as const), delay }),
  fc.record({ kind: fc.constant("cancel" as const), index: fc.nat() }),
  fc.record({ kind: fc.constant("pass" as const), delay }),
);

describe("the timer wheel", () => {
  it("expires what a sorted list would, in the same order, and never early", () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 120 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (actions, startMs) => {
          let nowMs = startMs;
          const wheel = new TimerWheel(nowMs);
          const fired: number[] = [];
          const expected: number[] = [];
          let model: { entry: Entry; tick: number }[] = [];
          let serial = 0;
          for (const step of actions) {
            if (step.kind === "arm") {
              const entry = new Entry((serial += 1), fired);
              wheel.add(entry, nowMs + step.delay, nowMs);
              model.push({ entry, tick: Math.max(Math.ceil(nowMs + step.delay), Math.floor(nowMs)) });
            } else if (step.kind === "cancel" && model.length > 0) {
              const [gone] = model.splice(step.index % model.length, 1);
              if (gone !== undefined) {
                expect(wheel.remove(gone.entry)).toBe(true);
                expect(wheel.remove(gone.entry)).toBe(false);
              }
            } else if (step.kind === "pass") {
              nowMs += step.delay;
              wheel.advance(nowMs);
              const due = model.filter(({ tick }) => tick <= Math.floor(nowMs));
              model = model.filter(({ tick }) => tick > Math.floor(nowMs));
              expected.push(
                ...due.sort((a, b) => a.tick - b.tick || a.entry.id - b.entry.id).map(({ entry }) => entry.id),
              );
            }
            expect(fired).toEqual(expected);
            expect(wheel.size).toBe(model.length);
            const nextMs = wheel.nextMs();
            if (model.length === 0) expect(nextMs).toBeNull();
            else expect(nextMs).toBeLessThanOrEqual(Math.min(...model.map(({ tick }) => tick)));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("heeds what entries do to each other while they expire", () => {
    const fired: string[] = [];
    const wheel = new TimerWheel(0);
    class Acting extends WheelEntry {
      readonly #act: () => void;
      constructor(act: () => void) {
        super();
        this.#act = act;
      }
      override expire(): void {
        this.#act();
      }
    }
    const second: WheelEntry = new Acting(() => fired.push("second"));
    const third: WheelEntry = new Acting(() => fired.push("third"));
    const first = new Acting(() => {
      fired.push("first");
      wheel.remove(second);
      wheel.remove(third);
      wheel.add(third, 9, 5);
      wheel.add(first, 7, 5);
    });
    for (const entry of [first, second, third]) wheel.add(entry, 5, 0);
    wheel.advance(6);
    expect(fired).toEqual(["first"]);
    wheel.remove(first);
    wheel.advance(9);
    expect(fired).toEqual(["first", "third"]);
    expect(wheel.size).toBe(0);
  });
});
