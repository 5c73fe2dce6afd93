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

test("one snapshot of this machine", () => {
  const pressure = hostPressure();
  expect(pressure.memoryPercent).toBeGreaterThan(0);
  expect(pressure.memoryPercent).toBeLessThanOrEqual(100);
  const gauge = openHostGauge();
  const first = gauge.read();
  expect(gauge.read().atMs).toBeGreaterThanOrEqual(first.atMs);
  gauge.close();
});
