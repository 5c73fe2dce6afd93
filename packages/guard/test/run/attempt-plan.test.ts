import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttemptHistory } from "../../src/journal/ledger.ts";
import { planAttempt } from "../../src/run/attempt-plan.ts";

const killed = (rest: Partial<AttemptHistory> = {}): AttemptHistory => ({
  number: 1,
  jobs: 8,
  isolated: undefined,
  finished: 0,
  open: ["hog.js"],
  stop: undefined,
  ...rest,
});
const none = new Set<string>();

describe("the next attempt", () => {
  it("is ordinary at first, and after attempts that finished something", () => {
    expect(planAttempt([], 8, none)).toEqual({ jobs: 8, suspects: [], unfit: [], note: "" });
    expect(planAttempt([killed({ finished: 1 })], 8, none).note).toBe("");
    expect(planAttempt([killed(), killed({ finished: 1 })], 8, none).note).toBe("");
  });

  it("halves the jobs, then isolates, then gives the file up", () => {
    expect(planAttempt([killed()], 8, none)).toMatchObject({ jobs: 4, suspects: [] });
    expect(planAttempt([killed(), killed()], 8, none)).toMatchObject({ jobs: 1, suspects: ["hog.js"], unfit: [] });
    const alone = killed({ isolated: "hog.js" });
    expect(planAttempt([killed(), killed(), alone], 8, none)).toMatchObject({ suspects: [], unfit: ["hog.js"] });
    expect(planAttempt([killed(), killed(), alone], 8, new Set(["hog.js"]))).toMatchObject({ suspects: [], unfit: [] });
  });

  it("blames nobody for an interruption by the user", () => {
    const stop = { kind: "stop", why: "interrupted", exit: null, peakBytes: 0, at: "" } as const;
    expect(planAttempt([killed({ stop }), killed({ stop })], 8, none).note).toBe("");
  });

  it("ends whatever dies: with k hogs, at most 2 + 2k attempts finish the rest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 16 }), (hogs, jobs) => {
        const waiting = new Set(Array.from({ length: hogs }, (_, n) => `hog${n}`));
        const unfit = new Set<string>();
        const history: AttemptHistory[] = [];
        let runs = 0;
        for (let isOver = false; !isOver; runs++) {
          expect(runs).toBeLessThanOrEqual(3 + 2 * hogs);
          const plan = planAttempt(history, jobs, unfit);
          expect(plan.jobs).toBeGreaterThanOrEqual(1);
          expect(plan.jobs).toBeLessThanOrEqual(jobs);
          for (const file of plan.unfit) {
            unfit.add(file);
            waiting.delete(file);
          }
          const now = [...waiting].filter((file) => !plan.suspects.includes(file));
          const open = now.slice(0, plan.jobs);
          history.push(killed({ jobs: plan.jobs, open }));
          if (open.length > 0) continue;
          const stop = { kind: "stop", why: "finished", exit: 0, peakBytes: 0, at: "" } as const;
          history[history.length - 1] = killed({ open: [], stop });
          const [first] = plan.suspects;
          if (first === undefined) isOver = true;
          else history.push(killed({ isolated: first, open: [first] }));
        }
        expect(unfit.size).toBe(hogs);
      }),
    );
  });
});
