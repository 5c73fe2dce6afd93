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
  livedMs: undefined,
  signs: { oomKills: 1, boot: "b" },
  ...rest,
});
/** Since every attempt began, the kernel has ended something for memory. */
const now = { oomKills: 2, boot: "b" };
const none = { known: new Set<string>(), ended: new Set<string>() };

describe("the next attempt", () => {
  it("is ordinary at first, and after attempts that finished something", () => {
    expect(planAttempt([], 8, none, now)).toEqual({ jobs: 8, suspects: [], unfit: [], note: "" });
    expect(planAttempt([killed({ finished: 1 })], 8, none, now).note).toBe("");
  });

  const stopped = (crowded: boolean, livedMs = 5000): Partial<AttemptHistory> => ({
    stop: { kind: "stop", why: "protected", crowded, exit: null, peakBytes: 0, at: "" },
    livedMs,
  });

  it("takes fewer jobs after each stop that follows soon, and more again after a long life", () => {
    const soon = killed({ finished: 9, ...stopped(false) });
    const late = killed({ finished: 9, ...stopped(false, 60_000) });
    expect(planAttempt([soon, soon], 8, none, now)).toMatchObject({ jobs: 4, suspects: [] });
    expect(planAttempt([soon, soon, soon], 8, none, now).jobs).toBe(2);
    expect(planAttempt([soon, soon, soon, late], 8, none, now).jobs).toBe(4);
    expect(planAttempt([late, late, late], 8, none, now)).toMatchObject({ jobs: 8, note: "" });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(fc.boolean(), { maxLength: 20 }), (jobs, lives) => {
        const attempts = lives.map((isLong) => (isLong ? late : soon));
        const plan = planAttempt(attempts, jobs, none, now);
        expect(plan.jobs).toBeGreaterThanOrEqual(1);
        expect(plan.jobs).toBeLessThanOrEqual(jobs);
        expect(planAttempt([...attempts, soon], jobs, none, now).jobs).toBeLessThanOrEqual(plan.jobs);
        expect(planAttempt([...attempts, ...Array<typeof soon>(7).fill(soon)], jobs, none, now).jobs).toBe(1);
      }),
    );
  });

  it("blames no file soon for memory that others took, but does not go on for ever", () => {
    const crowded = killed(stopped(true));
    expect(planAttempt([crowded, crowded, crowded], 8, none, now)).toMatchObject({ jobs: 2, suspects: [] });
    const before = [crowded, crowded, crowded, crowded];
    expect(planAttempt(before, 8, none, now)).toMatchObject({ jobs: 1, suspects: ["hog.js"] });
    const alone = killed({ ...stopped(true), isolated: "hog.js" });
    const four = [...before, alone, alone, alone, alone];
    expect(planAttempt(four, 8, none, now)).toMatchObject({ suspects: ["hog.js"], unfit: [] });
    const given = [{ file: "hog.js", cause: "memory" }];
    expect(planAttempt([...four, alone], 8, none, now).unfit).toEqual(given);
    const own = killed({ ...stopped(false), isolated: "hog.js" });
    expect(planAttempt([...before, alone, own], 8, none, now).unfit).toEqual(given);
  });

  it("halves the jobs, then isolates, then gives the file up", () => {
    expect(planAttempt([killed()], 8, none, now)).toMatchObject({ jobs: 4, suspects: [] });
    expect(planAttempt([killed(), killed()], 8, none, now)).toMatchObject({ jobs: 1, suspects: ["hog.js"], unfit: [] });
    const alone = killed({ isolated: "hog.js" });
    expect(planAttempt([killed(), killed(), alone], 8, none, now)).toMatchObject({
      suspects: [],
      unfit: [{ file: "hog.js", cause: "memory" }],
    });
    expect(planAttempt([killed(), killed(), alone], 8, { ...none, known: new Set(["hog.js"]) }, now)).toMatchObject({
      suspects: [],
      unfit: [],
    });
  });

  it("keeps a suspect for the end until it has ended, whatever the others finish meanwhile", () => {
    const fruitful = killed({ finished: 700, open: ["big.js"] });
    expect(planAttempt([killed(), killed(), fruitful], 8, none, now).suspects).toEqual(["hog.js"]);
    expect(planAttempt([killed(), fruitful, killed(), fruitful], 8, none, now).suspects).toEqual([]);
    const ended = { ...none, ended: new Set(["hog.js"]) };
    expect(planAttempt([killed(), killed(), fruitful], 8, ended, now).suspects).toEqual([]);
  });

  it("gives up when memory does not do for what runs the tests, and tries again when asked again", () => {
    const stillborn = (crowded: boolean): AttemptHistory => killed({ ...stopped(crowded), open: [] });
    const five = Array<AttemptHistory>(5).fill(stillborn(false));
    expect(planAttempt(five.slice(1), 8, none, now)).not.toHaveProperty("isHopeless");
    expect(planAttempt(five, 8, none, now)).toMatchObject({ isHopeless: true, suspects: [], unfit: [] });
    const crowded = Array<AttemptHistory>(12).fill(stillborn(true));
    expect(planAttempt(crowded.slice(1), 8, none, now)).not.toHaveProperty("isHopeless");
    expect(planAttempt(crowded, 8, none, now).isHopeless).toBe(true);
    const said = killed({ open: [], stop: { kind: "stop", why: "finished", exit: null, peakBytes: 0, at: "" } });
    expect(planAttempt([...five, said], 8, none, now)).not.toHaveProperty("isHopeless");
    // A file was loaded, or somebody killed it: that is another matter.
    expect(planAttempt([...five.slice(1), killed(stopped(false))], 8, none, now)).not.toHaveProperty("isHopeless");
    const barren = Array.from({ length: 20 }, (_, n) => killed({ ...stopped(false), open: [`${n}.js`] }));
    expect(planAttempt(barren.slice(1), 8, none, now).suspects).toHaveLength(19);
    expect(planAttempt(barren, 8, none, now).isHopeless).toBe(true);
    const byAnybody = Array<AttemptHistory>(5).fill(killed({ open: [], signs: undefined }));
    expect(planAttempt(byAnybody, 8, none, undefined)).not.toHaveProperty("isHopeless");
  });

  it("gives no file up that anybody may have killed, until it happens again and again", () => {
    const calm = { oomKills: 1, boot: "b" };
    const alone = killed({ isolated: "hog.js" });
    const before = [killed(), killed()];
    for (const signs of [calm, undefined]) {
      expect(planAttempt([...before, alone], 8, none, signs)).toMatchObject({ suspects: ["hog.js"], unfit: [] });
      expect(planAttempt([...before, alone, alone], 8, none, signs)).toMatchObject({ suspects: ["hog.js"], unfit: [] });
      const given = [{ file: "hog.js", cause: "unknown" }];
      expect(planAttempt([...before, alone, alone, alone], 8, none, signs)).toMatchObject({
        suspects: [],
        unfit: given,
      });
    }
    const rebooted = { oomKills: 0, boot: "another" };
    expect(planAttempt([...before, alone], 8, none, rebooted).unfit).toEqual([{ file: "hog.js", cause: "memory" }]);
  });

  it.each(["interrupted", "timeout"] as const)("blames no file when it was %s", (why) => {
    const stop = { kind: "stop", why, exit: null, peakBytes: 0, at: "" } as const;
    const alone = killed({ isolated: "hog.js", stop });
    expect(planAttempt([killed({ stop }), killed({ stop }), alone], 8, none, now).unfit).toEqual([]);
    expect(planAttempt([killed({ stop }), killed({ stop })], 8, none, now).note).toBe("");
  });

  it("ends whatever dies: with k hogs, at most 2 + 2k attempts finish the rest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 16 }), (hogs, jobs) => {
        const waiting = new Set(Array.from({ length: hogs }, (_, n) => `hog${n}`));
        const unfit = new Set<string>();
        const history: AttemptHistory[] = [];
        /** Every attempt ends with one process more that the kernel has ended. */
        const signs = () => ({ oomKills: history.length, boot: "b" });
        let runs = 0;
        for (let isOver = false; !isOver; runs++) {
          expect(runs).toBeLessThanOrEqual(3 + 2 * hogs);
          const plan = planAttempt(history, jobs, { known: unfit, ended: none.ended }, signs());
          expect(plan.jobs).toBeGreaterThanOrEqual(1);
          expect(plan.jobs).toBeLessThanOrEqual(jobs);
          for (const { file } of plan.unfit) {
            unfit.add(file);
            waiting.delete(file);
          }
          const left = [...waiting].filter((file) => !plan.suspects.includes(file));
          const open = left.slice(0, plan.jobs);
          history.push(killed({ jobs: plan.jobs, open, signs: signs() }));
          if (open.length > 0) continue;
          const stop = { kind: "stop", why: "finished", exit: 0, peakBytes: 0, at: "" } as const;
          history[history.length - 1] = killed({ open: [], stop });
          const [first] = plan.suspects;
          if (first === undefined) isOver = true;
          else history.push(killed({ isolated: first, open: [first], signs: signs() }));
        }
        expect(unfit.size).toBe(hogs);
      }),
    );
  });
});
