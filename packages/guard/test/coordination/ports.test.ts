import fc from "fast-check";
import { expect, it } from "vitest";
import {
  defaultPortRange,
  type PortBook,
  promisePorts,
  rangeOfUser,
  returnPorts,
} from "../../src/coordination/ports.ts";

it("never promises a port twice, nor one in use, and gives all back", () => {
  const step = fc.record({ id: fc.constantFrom("a", "b", "c"), count: fc.nat(5), back: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), fc.uniqueArray(fc.integer({ min: 100, max: 120 })), (steps, used) => {
      let book: PortBook = { held: new Map() };
      const inUse = new Set(used);
      for (const { id, count, back } of steps) {
        if (back) book = returnPorts(book, id);
        else {
          const promised = promisePorts(book, id, count, inUse, { from: 100, to: 110 });
          if (promised === undefined) continue;
          expect(promised.ports).toHaveLength(count);
          book = promised.book;
        }
        const all = [...book.held.values()].flat();
        expect(new Set(all).size).toBe(all.length);
        for (const port of all) expect(inUse.has(port)).toBe(false);
      }
      for (const id of ["a", "b", "c"]) book = returnPorts(book, id);
      expect(book.held.size).toBe(0);
    }),
  );
});

it("promises the same ports to a run that asks again", () => {
  const first = promisePorts({ held: new Map() }, "a", 2, new Set([20_000]));
  expect(first?.ports).toEqual([20_001, 20_002]);
  expect(promisePorts(first?.book ?? { held: new Map() }, "a", 2, new Set([20_001]))?.ports).toEqual([20_001, 20_002]);
});

it("promises other ports to the daemons of other users, and all of the range to each", () => {
  const promised = (range: { from: number; to: number }, count: number, userId: number) =>
    promisePorts({ held: new Map() }, "a", count, new Set(), rangeOfUser(range, userId))?.ports;
  expect(promised(defaultPortRange, 2, 0)).toEqual([20_000, 20_001]);
  expect(promised(defaultPortRange, 2, 1000)).toEqual([24_000, 24_001]);
  expect(promised(defaultPortRange, 2, 1001)).toEqual([24_064, 24_065]);
  expect(promised({ from: 100, to: 103 }, 4, 1)).toEqual([100, 101, 102, 103]);
  expect(promised({ from: 100, to: 104 }, 5, 1)).toEqual([104, 100, 101, 102, 103]);
  expect(promised({ from: 100, to: 104 }, 6, 1)).toBeUndefined();
});
