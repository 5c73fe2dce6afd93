import { expect, it } from "vitest";
import type { Signal } from "../../src/cell/cell.ts";
import { Deferred } from "../../src/supervisor/deferred.ts";
import { fc } from "../fixtures/fast-check.ts";

const news = (token: object): Signal => ({ kind: "alarm", token });
const call = (): Signal => ({ kind: "call", call: { refuse: () => {} } });

it("signals that were put off come back in their order, or the oldest that is wanted", () => {
  const step = fc.record({ kind: fc.constantFrom("news", "news", "call", "shift", "take"), number: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const deferred = new Deferred();
      const model: Signal[] = [];
      const tokens = [{}, {}, {}, {}];
      for (const { kind, number } of steps) {
        const token = tokens[number] ?? {};
        if (kind === "news" || kind === "call") {
          const signal = kind === "news" ? news(token) : call();
          deferred.push(signal);
          model.push(signal);
        } else if (kind === "shift") expect(deferred.shift()).toBe(model.shift());
        else {
          const wanted = (signal: Signal): boolean => signal.kind === "alarm" && signal.token === token;
          const index = model.findIndex(wanted);
          expect(deferred.take(wanted)).toBe(index === -1 ? undefined : model.splice(index, 1)[0]);
        }
      }
      for (const signal of model) expect(deferred.shift()).toBe(signal);
      expect(deferred.shift()).toBeUndefined();
    }),
  );
});

it("calls are not looked at when something else is wanted, however many there are", () => {
  const deferred = new Deferred();
  let looks = 0;
  const wanted = (): boolean => {
    looks += 1;
    return true;
  };
  for (let count = 0; count < 100; count += 1) deferred.push(call());
  expect(deferred.take(wanted)).toBeUndefined();
  const late = news({});
  deferred.push(late);
  expect(deferred.take((signal) => signal.kind !== "call" && wanted())).toBe(late);
  expect(looks).toBe(1);
  expect(deferred.take(wanted)).toBeUndefined();
  expect(looks).toBe(1);
});
