import { Fifo } from "@constellation/actors";
import { expect, it } from "vitest";
import { fc } from "../fixtures/fast-check.ts";

it("a fifo holds what an array would, whatever is done to it", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom("push", "unshift"), value: fc.integer() }),
    fc.record({ kind: fc.constantFrom("shift", "peek"), value: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      for (const { kind, value } of steps) {
        if (kind === "push") expect(fifo.push(value)).toBe(model.push(value) && undefined);
        else if (kind === "unshift") expect(fifo.unshift(value)).toBe(model.unshift(value) && undefined);
        else if (kind === "shift") expect(fifo.shift()).toBe(model.shift());
        else expect(fifo.peek()).toBe(model[0]);
        expect(fifo.size).toBe(model.length);
      }
      for (const value of model) expect(fifo.shift()).toBe(value);
      expect(fifo.shift()).toBeUndefined();
    }),
  );
});
