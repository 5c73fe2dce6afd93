import { expect, it } from "vitest";
import { append, prepend, release, shrink, take, type Mailbox } from "../../src/queue/mailbox.ts";
import { fc } from "../fixtures/fast-check.ts";

it("the fields of a mailbox hold what an array would, whatever is done to them", () => {
  const steps = fc.array(fc.constantFrom("append", "append", "append", "prepend", "take", "shrink"), {
    maxLength: 400,
  });
  fc.assert(
    fc.property(steps, (kinds) => {
      const box: Mailbox = { head: undefined, ring: null, read: 0, count: 0 };
      const model: number[] = [];
      for (const [value, kind] of kinds.entries()) {
        if (kind === "prepend") {
          prepend(box, value);
          model.unshift(value);
        } else if (kind === "append") {
          // The first message goes to the head without a call.
          if (box.count === 0) prepend(box, value);
          else append(box, value);
          model.push(value);
        } else if (kind === "take" && model.length > 0) expect(take(box)).toBe(model.shift());
        else if (model.length === 0) shrink(box);
        expect(box.count).toBe(model.length);
      }
      for (const value of model) expect(take(box)).toBe(value);
      expect(box.head).toBeUndefined();
      expect(box.ring?.every((slot) => slot === undefined) ?? true).toBe(true);
    }),
  );
});

it("a ring of more than a turn's messages is given back when it is empty, a smaller one when that is asked for", () => {
  const box: Mailbox = { head: 0, ring: null, read: 0, count: 1 };
  const fill = (count: number): void => {
    prepend(box, 0);
    for (let value = 1; value < count; value += 1) append(box, value);
    while (box.count > 0) take(box);
  };
  take(box);
  fill(100);
  shrink(box);
  expect(box.ring).toHaveLength(128);
  release(box);
  expect(box.ring).toBeNull();
  fill(200);
  expect(box.ring).toHaveLength(256);
  shrink(box);
  expect(box.ring).toBeNull();
});
