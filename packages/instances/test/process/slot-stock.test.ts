import fc from "fast-check";
import { expect, test } from "vitest";
import { planStock, type StockBudget, type StockSituation } from "../../src/process/slot/plan-stock.ts";

const keys = ["a", "b", "c", "d"];
const budgets: fc.Arbitrary<StockBudget> = fc.record({
  slots: fc.nat(6),
  ofOneShape: fc.integer({ min: 1, max: 4 }),
  quietMs: fc.nat(50),
  idleMs: fc.integer({ min: 1, max: 5000 }),
});
const situations: fc.Arbitrary<StockSituation> = fc.record({
  nowMs: fc.nat(10_000),
  lastStartMs: fc.nat(10_000),
  asked: fc
    .uniqueArray(fc.record({ key: fc.constantFrom(...keys), atMs: fc.nat(10_000), notBeforeMs: fc.nat(12_000) }), {
      selector: ({ key }) => key,
    })
    .map((asked) => asked.sort((a, b) => b.atMs - a.atMs)),
  ready: fc.array(fc.record({ key: fc.constantFrom(...keys), waits: fc.boolean() }), { maxLength: 8 }),
  budget: budgets,
});

/** What waits after the plan was carried out. */
function after({ ready }: StockSituation, { discard, make }: ReturnType<typeof planStock>): string[] {
  const kept = ready.filter((_, place) => !discard.includes(place)).map(({ key }) => key);
  return make === null ? kept : [...kept, make];
}

test("never more than the budget waits, and nothing that has ended or that nobody asked for lately", () => {
  fc.assert(
    fc.property(situations, (situation) => {
      const { budget, asked, nowMs, ready } = situation;
      const plan = planStock(situation);
      const left = after(situation, plan);
      expect(left.length).toBeLessThanOrEqual(budget.slots);
      for (const key of keys) expect(left.filter((each) => each === key).length).toBeLessThanOrEqual(budget.ofOneShape);
      const wanted = new Set(asked.filter(({ atMs }) => nowMs < atMs + budget.idleMs).map(({ key }) => key));
      for (const key of left) expect(wanted.has(key)).toBe(true);
      ready.forEach(({ waits }, place) => waits || expect(plan.discard).toContain(place));
    }),
  );
});

test("nothing is made before it is quiet, nor before a shape that failed may be tried again", () => {
  fc.assert(
    fc.property(situations, (situation) => {
      const { make } = planStock(situation);
      if (make === null) return;
      expect(situation.nowMs).toBeGreaterThanOrEqual(situation.lastStartMs + situation.budget.quietMs);
      expect(situation.asked.find(({ key }) => key === make)?.notBeforeMs).toBeLessThanOrEqual(situation.nowMs);
    }),
  );
});

test("carried out again and again it comes to rest, full; and to nothing when nobody starts anything any more", () => {
  fc.assert(
    fc.property(situations, (first) => {
      let situation = first;
      let looks = 0;
      for (let plan = planStock(situation); ; plan = planStock(situation)) {
        looks += 1;
        expect(looks).toBeLessThan(200);
        const ready = after(situation, plan).map((key) => ({ key, waits: true }));
        if (plan.make === null && plan.discard.length === 0) {
          if (plan.lookAtMs === null) break;
          expect(plan.lookAtMs).toBeGreaterThan(situation.nowMs);
          situation = { ...situation, nowMs: plan.lookAtMs, ready };
        } else situation = { ...situation, ready };
      }
      expect(situation.ready).toEqual([]);
    }),
  );
});

test("the shape asked for last comes first, and each gets one before any gets a second", () => {
  const budget = { slots: 3, ofOneShape: 2, quietMs: 0, idleMs: 1000 };
  const asked = ["b", "a"].map((key, at) => ({ key, atMs: 100 - at, notBeforeMs: 0 }));
  const made: string[] = [];
  for (;;) {
    const ready = made.map((key) => ({ key, waits: true }));
    const { make } = planStock({ nowMs: 100, lastStartMs: 0, asked, ready, budget });
    if (make === null) break;
    made.push(make);
  }
  expect(made).toEqual(["b", "a", "b"]);
});
