import fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { majorMinorOf } from "../../src/cgroup/block-device.ts";
import { applyLimitSteps } from "../../src/cgroup/limit-steps.ts";
import { type CgroupLimits, checkLimits, cpuQuota } from "../../src/cgroup/limits.ts";
import { v1LimitSteps } from "../../src/cgroup/v1/limit-steps-v1.ts";
import { v2LimitSteps } from "../../src/cgroup/v2/limit-steps-v2.ts";
import { sharesFromWeight, weightFromShares } from "../../src/index.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A directory of plain files: they keep what is written, as a kernel's limit files do. */
function files(names: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "host-limits-"));
  folders.push(folder);
  for (const name of names) writeFileSync(join(folder, name), "");
  return folder;
}

test("a quota keeps its ratio and the kernel's floors", () => {
  expect(cpuQuota(0.5)).toEqual({ quotaUs: 50_000, periodUs: 100_000 });
  expect(cpuQuota(0.005)).toEqual({ quotaUs: 1000, periodUs: 200_000 });
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 512, noNaN: true }),
      fc.integer({ min: 1000, max: 1_000_000 }),
      (cores, period) => {
        const { quotaUs, periodUs } = cpuQuota(cores, period);
        expect(quotaUs).toBeGreaterThanOrEqual(1000);
        expect(periodUs).toBeLessThanOrEqual(1_000_000);
        // Rounding to whole microseconds is the only loss.
        expect(Math.abs(quotaUs - cores * periodUs)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("weights and shares meet at both ends and at the defaults, and keep their order", () => {
  expect([1, 100, 10_000].map(sharesFromWeight)).toEqual([2, 1024, 262_144]);
  expect([2, 1024, 262_144].map(weightFromShares)).toEqual([1, 100, 10_000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), (weight) => {
      expect(sharesFromWeight(weight + 1)).toBeGreaterThanOrEqual(sharesFromWeight(weight));
      expect(Math.abs(weightFromShares(sharesFromWeight(weight)) - weight)).toBeLessThanOrEqual(1 + weight * 0.35);
    }),
  );
});

test.each([
  { cpuCores: 0 },
  { cpuCores: Number.NaN },
  { cpuWeight: 0 },
  { cpuWeight: 1.5 },
  { memoryBytes: -1 },
  { memoryBytes: Number.POSITIVE_INFINITY },
  { pidsMax: 0 },
  { swapBytes: -5 },
  { io: [{ device: "/", readBytesPerSecond: 0 }] },
])("%j is refused by name", (limits) => {
  expect(() => checkLimits(limits)).toThrow(expect.objectContaining({ code: "limit-invalid", kind: "user" }));
});

test("v2 limits are written as the kernel reads them", () => {
  const names = ["cpu.max", "cpu.weight", "memory.max", "memory.swap.max", "pids.max"];
  const folder = files(names);
  const limits = { cpuCores: 1.5, cpuWeight: 300, memoryBytes: 64 * 1024 * 1024, pidsMax: 32 };
  expect(applyLimitSteps(v2LimitSteps(folder, ["cpu", "memory", "pids"], limits))).toEqual({ kind: "enforced" });
  expect(names.map((name) => readFileSync(join(folder, name), "latin1"))).toEqual([
    "150000 100000",
    "300",
    "67108864",
    "0",
    "32",
  ]);
});

test("what was not delegated is named, and the rest is set", () => {
  const folder = files(["memory.max", "memory.swap.max"]);
  const steps = v2LimitSteps(folder, ["memory"], {
    cpuCores: 1,
    memoryBytes: 4096,
    pidsMax: 3,
    io: [{ device: "/", readOpsPerSecond: 1 }],
  });
  const verdict = applyLimitSteps(steps);
  expect(verdict.kind).toBe("unenforceable");
  if (verdict.kind !== "unenforceable") return;
  expect(verdict.limits.map((each) => each.limit)).toEqual(["cpu", "pids", "io"]);
  for (const each of verdict.limits) expect(each.remedy).toContain("Delegate");
  expect(readFileSync(join(folder, "memory.max"), "latin1")).toBe("4096");
});

test("a v1 controller that is not mounted is named", () => {
  const verdict = applyLimitSteps(v1LimitSteps({}, { cpuCores: 1, cpuWeight: 5, memoryBytes: 8192, pidsMax: 1 }));
  expect(verdict).toMatchObject({
    kind: "unenforceable",
    limits: ["cpu", "cpu-weight", "memory", "pids"].map((limit) => ({
      limit,
      missing: expect.stringContaining("not mounted"),
    })),
  });
});

test("on v1 a rate is lifted when its own device has none, whatever others have", () => {
  const steps = v1LimitSteps({ blkio: "/blkio" }, { io: [{ device: "7:0", readBytesPerSecond: "max" }] });
  const lifted = (table: string) => steps.map((step) => step.kind === "write" && step.holds(table));
  expect(lifted("107:0 500\n17:0 9\n")).toEqual([true]);
  expect(lifted("107:0 500\n7:0 9\n")).toEqual([false]);
});

test.each([{ swapBytes: 0 }, { memoryBytes: "max", swapBytes: 4096 }] as const)(
  "on v1, which counts swap with memory, %j without a bound on memory is said not to hold",
  (limits) => {
    const memory = files(["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]);
    for (const name of ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"])
      writeFileSync(join(memory, name), "9223372036854771712\n");
    const unenforceable = (swapTotalBytes: number) =>
      v1LimitSteps({ memory }, limits, () => swapTotalBytes).flatMap((step) =>
        step.kind === "missing" ? [step.unenforceable.limit] : [],
      );
    expect(unenforceable(1e9)).toEqual(["swap"]);
    expect(unenforceable(0)).toEqual([]);
  },
);

test.each([
  { from: { cpuCores: 0.8, cpuPeriodUs: 1_000_000 }, to: { cpuCores: 0.8, cpuPeriodUs: 100_000 } },
  { from: { cpuCores: 0.8, cpuPeriodUs: 100_000 }, to: { cpuCores: 0.8, cpuPeriodUs: 1_000_000 } },
  { from: { cpuCores: 0.1, cpuPeriodUs: 50_000 }, to: { cpuCores: 0.9, cpuPeriodUs: 20_000 } },
  { from: { cpuCores: "max" }, to: { cpuCores: 1, cpuPeriodUs: 1_000_000 } },
  { from: { cpuCores: 1, cpuPeriodUs: 1_000_000 }, to: { cpuCores: "max" } },
] as const)("on v1 $from becomes $to without passing either in between", ({ from, to }) => {
  const cpu = files(["cpu.cfs_period_us", "cpu.cfs_quota_us"]);
  const present = { "cpu.cfs_period_us": 100_000, "cpu.cfs_quota_us": -1 };
  const cores = () => present["cpu.cfs_quota_us"] / present["cpu.cfs_period_us"];
  const apply = (limits: CgroupLimits) =>
    v1LimitSteps({ cpu }, limits).map((step) => {
      if (step.kind !== "write") throw new Error("missing");
      present[basename(step.path) as keyof typeof present] = Number(step.text);
      writeFileSync(step.path, `${step.text}\n`);
      return cores();
    });
  for (const [name, value] of Object.entries(present)) writeFileSync(join(cpu, name), `${value}\n`);
  apply(from);
  const most = Math.max(cores(), ...(to.cpuCores === "max" ? [] : [to.cpuCores]));
  for (const passed of apply(to)) expect(passed).toBeLessThanOrEqual(most);
});

test("a file that does not keep what was written is no enforced limit", () => {
  const verdict = applyLimitSteps([
    {
      kind: "write",
      limit: "pids",
      wanted: "5",
      path: "/dev/null",
      text: "5",
      holds: (text) => text === "5",
      remedy: "none",
    },
  ]);
  expect(verdict).toMatchObject({
    kind: "unenforceable",
    limits: [{ limit: "pids", missing: expect.stringContaining("/dev/null") }],
  });
});

test("device numbers split as in the C library", () => {
  expect(majorMinorOf(65024n)).toBe("254:0");
  expect(majorMinorOf((259n << 8n) | 3n)).toBe("259:3");
  expect(majorMinorOf((8n << 8n) | 1n | (0x12n << 20n))).toBe("8:4609");
});
