import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostPressure, openCgroupPressureGauge, openHostGauge, openPressureGauge } from "../../src/index.ts";
import { parsePressure } from "../../src/pressure/psi.ts";
import { machineTree } from "../machine-trees.ts";

test("reads shares and totals", () => {
  expect(openPressureGauge("memory", machineTree("v2-rootless"))?.read()).toEqual({
    some: { avg10: 12.5, avg60: 1, avg300: 0.5, totalUs: 3000000 },
    full: { avg10: 4.1, avg60: 0.4, avg300: 0.2, totalUs: 1000000 },
  });
});

test("a second reading says what was added since the first", () => {
  const gauge = openPressureGauge("memory", machineTree("v2-rootless"));
  gauge?.read();
  expect(gauge?.read()).toMatchObject({ recentSomePercent: 0, recentFullPercent: 0 });
  gauge?.close();
});

test("a group's own pressure, on v2 and on hybrid machines", () => {
  expect(openCgroupPressureGauge("memory", undefined, machineTree("v2-rootless"))?.read()?.full?.avg10).toBe(0.25);
  expect(openCgroupPressureGauge("memory", undefined, machineTree("hybrid"))?.read()?.full?.avg10).toBe(1);
  expect(openCgroupPressureGauge("memory", undefined, machineTree("v1-docker"))).toBeUndefined();
});

test("a kernel without pressure files has no gauge", () => {
  expect(openPressureGauge("io", machineTree("no-cgroup"))).toBeUndefined();
  expect(parsePressure("full avg10=0.00")).toBeUndefined();
});

test("pressure files that cannot be read, as where it is switched off, are no gauge and spoil no other", () => {
  const proc = mkdtempSync(join(tmpdir(), "host-pressure-"));
  try {
    cpSync(machineTree("v2-rootless").proc, proc, { recursive: true });
    rmSync(join(proc, "pressure/cpu"));
    // It opens and its read fails, with another error than EOPNOTSUPP of the kernel.
    mkdirSync(join(proc, "pressure/cpu"));
    writeFileSync(join(proc, "stat"), "cpu  1 2 3 4 5 6 7 8\n");
    const roots = { ...machineTree("v2-rootless"), proc };
    expect(openPressureGauge("cpu", roots)).toBeUndefined();
    const gauge = openHostGauge(roots);
    expect(Object.keys(gauge.read().stalls)).toEqual(["memory", "io"]);
    gauge.close();
  } finally {
    rmSync(proc, { recursive: true });
  }
});

test("one snapshot of this machine", () => {
  const pressure = hostPressure();
  expect(pressure.memoryPercent).toBeGreaterThan(0);
  expect(pressure.memoryPercent).toBeLessThanOrEqual(100);
  const gauge = openHostGauge();
  const first = gauge.read();
  expect(gauge.read().atMs).toBeGreaterThanOrEqual(first.atMs);
  gauge.close();
});
