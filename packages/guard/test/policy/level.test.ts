import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calm, decide, type GuardSample, type PolicyState, reaches, timeToLimitMs } from "../../src/policy/level.ts";
import { defaultPolicy, policyFor } from "../../src/policy/settings.ts";

const GiB = 1024 ** 3;
const sample = (atMs: number, share: number, rest: Partial<GuardSample> = {}): GuardSample => ({
  atMs,
  bounds: [{ name: "machine", limitBytes: 1000 * GiB, usedBytes: share * 1000 * GiB }],
  treeBytes: undefined,
  cpuShare: undefined,
  stallPercent: undefined,
  shielded: [],
  ...rest,
});
/** Slow enough that growth never matters. */
const run = (samples: readonly GuardSample[], settings = defaultPolicy): PolicyState =>
  samples.reduce((state, each) => decide(state, each, settings), calm);
const shares = (...all: number[]): GuardSample[] => all.map((share, index) => sample(index * 60_000, share));

describe("the policy", () => {
  it("sheds, drains and kills at the published shares", () => {
    expect(run(shares(0.5, 0.74)).level).toBe("run");
    expect(run(shares(0.5, 0.75)).level).toBe("shed");
    expect(run(shares(0.5, 0.8)).level).toBe("drain");
    expect(run(shares(0.5, 0.95)).level).toBe("kill");
  });

  it("leaves shed only below its hysteresis, and drain never", () => {
    expect(run(shares(0.76, 0.73)).level).toBe("shed");
    expect(run(shares(0.76, 0.71)).level).toBe("run");
    expect(run(shares(0.81, 0.1)).level).toBe("drain");
    expect(run(shares(0.81, 0.96, 0.1)).level).toBe("kill");
  });

  it("kills before the bound when growth would reach it within 1.5 teardowns", () => {
    const at = (atMs: number, usedGiB: number): GuardSample =>
      sample(atMs, 0, { bounds: [{ name: "/g", limitBytes: 4 * GiB, usedBytes: usedGiB * GiB }] });
    // 2 GiB/s: 3.0 GiB of 4 would be only shed; 3.5 leaves 250 ms, less than 1.5 x 200.
    const state = run([at(0, 2.5), at(100, 2.7), at(200, 2.9), at(300, 3.1), at(400, 3.3), at(500, 3.5)]);
    expect(state.level).toBe("kill");
    expect(state.reason).toMatch(/at the present growth/);
    expect(run([at(0, 3.1), at(1000, 3.1), at(2000, 3.1)]).level).toBe("shed");
  });

  it("kills a small run later than a large one: it is gone sooner", () => {
    const at = (atMs: number, used: number, treeBytes: number): GuardSample =>
      sample(atMs, 0, { bounds: [{ name: "/g", limitBytes: 400, usedBytes: used }], treeBytes });
    const jump = (treeBytes: number): PolicyState => run([at(0, 160, treeBytes), at(100, 250, treeBytes)]);
    // 90 in 100 ms, half believed: full in 333 ms; then in 200.
    expect(jump(160 * 2 ** 20).level).toBe("run");
    const faster = (treeBytes: number): PolicyState => run([at(0, 130, treeBytes), at(100, 265, treeBytes)]);
    expect(faster(160 * 2 ** 20).level).toBe("run");
    expect(faster(2 * GiB).level).toBe("kill");
    expect(run([at(0, 60, 1), at(100, 310, 1)]).level).toBe("kill");
  });

  it("believes a jump the less the shorter it looked", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.double({ min: 1, max: 100, noNaN: true }), (ms, rate) => {
        const grown = (elapsedMs: number): number =>
          run([sample(0, 0), sample(elapsedMs, (rate * elapsedMs) / (1000 * GiB))]).growth["machine"] ?? 0;
        expect(grown(ms)).toBeLessThanOrEqual(grown(ms + 1) + 1e-6);
        expect(grown(100)).toBeCloseTo(rate / 2);
      }),
    );
  });

  it("kills for stalls only when they are held", () => {
    const stalled = (atMs: number, stallPercent: number): GuardSample => sample(atMs, 0.1, { stallPercent });
    expect(run([stalled(0, 90), stalled(9000, 90)]).level).toBe("run");
    expect(run([stalled(0, 90), stalled(10_000, 90)]).level).toBe("kill");
    expect(run([stalled(0, 90), stalled(5000, 10), stalled(12_000, 90)]).level).toBe("run");
  });

  it("never stops a run for CPU unless asked to", () => {
    const busy = [0, 6000, 12_000, 60_000].map((atMs) => sample(atMs, 0.1, { cpuShare: 1 }));
    expect(run(busy)).toMatchObject({ level: "shed", cause: "cpu" });
    expect(run(busy, { ...defaultPolicy, cpuAction: "stop" }).level).toBe("drain");
    expect(run(busy, { ...defaultPolicy, cpuAction: "ignore" }).level).toBe("run");
    expect(run(busy.slice(0, 1)).level).toBe("run");
  });

  it("lets another run yield first at shared bounds, and kills when that one is too slow", () => {
    const shielded = { shielded: ["machine"] };
    expect(run([sample(0, 0.85, shielded)])).toMatchObject({
      level: "shed",
      reason: expect.stringMatching(/another run yields first/) as string,
    });
    const tight = (atMs: number): GuardSample => sample(atMs, 0.96, shielded);
    expect(run([tight(0), tight(100), tight(199)]).level).toBe("shed");
    expect(run([tight(0), tight(100), tight(200)]).level).toBe("kill");
    expect(run([tight(0), sample(100, 0.9, shielded), tight(200)]).level).toBe("shed");
    // Its own bound is nobody else's.
    const own = { ...shielded, treeBytes: 6 * GiB };
    expect(run([sample(0, 0.1, own)], policyFor({ kind: "bytes", bytes: 6 * GiB })).level).toBe("drain");
    const stalled = (atMs: number): GuardSample => sample(atMs, 0.1, { ...shielded, stallPercent: 90 });
    expect(run([stalled(0), stalled(12_000)]).level).toBe("run");
    expect(run([stalled(0), stalled(13_000)]).level).toBe("kill");
  });

  it("takes bytes as a bound on the run alone", () => {
    const settings = policyFor({ kind: "bytes", bytes: 6 * GiB });
    const own = (bytes: number): GuardSample[] =>
      [0, 60_000].map((atMs) => sample(atMs, 0.1, { treeBytes: bytes * GiB }));
    expect(run(own(5), settings).level).toBe("run");
    expect(run(own(5.7), settings).level).toBe("shed");
    expect(run(own(6), settings).level).toBe("drain");
    expect(run(own(7.2), settings).level).toBe("kill");
  });

  const anySample = fc.record({
    share: fc.double({ min: 0, max: 1.2, noNaN: true }),
    stepMs: fc.integer({ min: 0, max: 5000 }),
    cpuShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    stallPercent: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  });

  it("never goes back from drain or kill, always says why, and never lets a share above kill pass", () => {
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 30 }), (steps) => {
        let state = calm;
        let atMs = 0;
        for (const { share, stepMs, ...rest } of steps) {
          atMs += stepMs;
          const next = decide(state, sample(atMs, share, rest), defaultPolicy);
          if (reaches(state.level, "drain")) expect(reaches(next.level, state.level)).toBe(true);
          if (share >= defaultPolicy.killShare) expect(next.level).toBe("kill");
          expect(next.level === "run").toBe(next.reason === "");
          expect(timeToLimitMs(next, sample(0, share).bounds)).toBeGreaterThanOrEqual(0);
          state = next;
        }
      }),
    );
  });

  it("keeps its levels in order for every threshold", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 0.99, noNaN: true }), (share) => {
        const { shedShare, drainShare, killShare } = policyFor({ kind: "share", share });
        expect(shedShare).toBeLessThan(drainShare);
        expect(drainShare).toBeLessThan(killShare);
        expect(killShare).toBeLessThanOrEqual(1);
      }),
    );
  });
});
