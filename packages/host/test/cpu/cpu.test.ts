import { expect, test } from "vitest";
import { effectiveCpus, hostCapacity, openCpuGauge } from "../../src/index.ts";
import { parseCpuTotals } from "../../src/cpu/cpu-gauge.ts";
import { parseCpuList } from "../../src/cpu/effective-cpus.ts";
import { machineTree } from "../machine-trees.ts";

test("v2: the tightest quota of all ancestors wins over cpuset and affinity", () => {
  expect(effectiveCpus(machineTree("v2-rootless"))).toEqual({
    cores: 1.5,
    limitedBy: "quota",
    onlineCores: 8,
    affinityCores: 8,
    cpusetCores: 4,
    quotaCores: 1.5,
  });
});

test("v2 container: half a core on three", () => {
  expect(effectiveCpus(machineTree("v2-container"))).toMatchObject({ cores: 0.5, limitedBy: "quota", cpusetCores: 3 });
});

test("v1: quota over period", () => {
  expect(effectiveCpus(machineTree("v1-docker"))).toMatchObject({ cores: 2.5, limitedBy: "quota", onlineCores: 4 });
});

test("hybrid without a quota: the machine's cores", () => {
  expect(effectiveCpus(machineTree("hybrid"))).toMatchObject({ cores: 4, limitedBy: "machine" });
});

test("CPU lists", () => {
  expect(["0", "0-3", "0-3,8,10-11", "", "x", "3-1"].map(parseCpuList)).toEqual([1, 4, 7, 0, 0, 0]);
});

test("waiting for disk is not busy and guest time is not counted twice", () => {
  expect(parseCpuTotals("cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 1 1 1\n")).toEqual({ busyTicks: 81, totalTicks: 531 });
});

test("this machine: some cores, and a share between 0 and 100 from the second reading on", () => {
  expect(effectiveCpus().cores).toBeGreaterThan(0);
  const gauge = openCpuGauge();
  expect(gauge.read().busyPercent).toBeUndefined();
  for (let round = 0; round < 1e7; round++) Math.sqrt(round);
  const second = gauge.read();
  gauge.close();
  if (second.busyPercent !== undefined) expect(second.busyPercent).toBeLessThanOrEqual(100);
  expect(hostCapacity()).toMatchObject({ platform: process.platform, architecture: process.arch });
});
