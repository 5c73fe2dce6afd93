import fc from "fast-check";
import { expect, it } from "vitest";
import { rankOf, TaskQueue, type Waiting } from "../../src/queue/task-queue.ts";

class Item implements Waiting {
  readonly rank: number;
  readonly sequence: number;
  readonly priority: number;
  isWanted = true;
  constructor(priority: number, nowMs: number, sequence: number) {
    this.priority = priority;
    this.rank = rankOf(priority, nowMs, 100);
    this.sequence = sequence;
  }
}

it("is the same queue as a sorted list", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("push" as const),
        priority: fc.integer({ min: -2, max: 3 }),
        lateMs: fc.nat(40),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("pop" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("abort" as const), which: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("pop-and-back" as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new TaskQueue<Item>();
      let model: Item[] = [];
      let nowMs = 0;
      let sequence = 0;
      const next = (): Item | undefined =>
        [...model].sort((left, right) => left.rank - right.rank || left.sequence - right.sequence)[0];
      for (const one of steps) {
        if (one.kind === "push") {
          nowMs += one.lateMs;
          const item = new Item(one.priority, nowMs, (sequence += 1));
          queue.push(item);
          model.push(item);
        } else if (one.kind === "abort") {
          const item = model[one.which % Math.max(1, model.length)];
          if (item === undefined) continue;
          item.isWanted = false;
          queue.noteUnwanted();
          model = model.filter((each) => each !== item);
        } else {
          const wanted = next();
          const got = queue.pop();
          expect(got).toBe(wanted);
          if (got === undefined) continue;
          if (one.kind === "pop-and-back") queue.putBack(got);
          else model = model.filter((each) => each !== got);
        }
        expect(queue.size).toBe(model.length);
        expect(queue.peek()).toBe(next());
      }
    }),
  );
});

it("lets low priority overtake who comes later by more than it is worth", () => {
  const queue = new TaskQueue<Item>();
  queue.push(new Item(0, 0, 1));
  queue.push(new Item(2, 150, 2));
  queue.push(new Item(2, 250, 3));
  expect([queue.pop(), queue.pop(), queue.pop()].map((item) => item?.sequence)).toEqual([2, 1, 3]);
});
