import { expect, it } from "vitest";
import { RestartBudget } from "../../src/supervisor/restart-budget.ts";
import { fc } from "../fixtures/fast-check.ts";

it("a budget counts what lies within its period, the edge included, as OTP does", () => {
  const budget = new RestartBudget(2, 100);
  expect([0, 50, 100].map((nowMs) => budget.spend(nowMs))).toEqual([true, true, false]);
  const later = new RestartBudget(2, 100);
  expect([0, 50, 100.5].map((nowMs) => later.spend(nowMs))).toEqual([true, true, true]);
  expect(new RestartBudget(0, 100).spend(0)).toBe(false);
});

it("a budget agrees with a count over all times that ever were", () => {
  fc.assert(
    fc.property(
      fc.nat(5),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat(30), { maxLength: 60 }),
      (restarts, periodMs, waits) => {
        const budget = new RestartBudget(restarts, periodMs);
        const times: number[] = [];
        let nowMs = 0;
        for (const waitMs of waits) {
          nowMs += waitMs;
          times.push(nowMs);
          const inPeriod = times.filter((time) => time >= nowMs - periodMs).length;
          expect(budget.spend(nowMs)).toBe(inPeriod <= restarts);
        }
      },
    ),
  );
});
