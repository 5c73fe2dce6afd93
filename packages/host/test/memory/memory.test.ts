import fc from "fast-check";
import { expect, test } from "vitest";
import { HostError, openMemoryGauge, readMemory, readSystemMemory } from "../../src/index.ts";
import { parseMemoryInfo } from "../../src/memory/system-memory.ts";
import { machineTree } from "../machine-trees.ts";

test("v2: an ancestor's memory.high bounds us, inactive file cache does not count as used", () => {
  const reading = readMemory(machineTree("v2-rootless"));
  expect(reading.tightest).toMatchObject({
    name: expect.stringMatching(/user-1000\.slice$/),
    limitBytes: 6442450944,
    usedBytes: 3221225472 - 1073741824,
  });
  expect(reading.levels.map((each) => each.name.split("/").at(-1))).toEqual(["machine", "user-1000.slice"]);
});

test("v2 container: the namespace's top carries the limit", () => {
  expect(readMemory(machineTree("v2-container")).tightest).toMatchObject({
    limitBytes: 536870912,
    usedBytes: 268435456 - 67108864,
    availableBytes: 536870912 - 268435456 + 67108864,
  });
});

test("v1: usage less total_inactive_file against limit_in_bytes", () => {
  expect(readMemory(machineTree("v1-docker")).tightest).toMatchObject({ limitBytes: 1073741824, usedBytes: 500000000 });
});

test.each(["hybrid", "no-cgroup"] as const)("%s without a bound: the machine is the bound", (name) => {
  const reading = readMemory(machineTree(name));
  expect(reading.levels).toHaveLength(1);
  expect(reading.tightest.name).toBe("machine");
});

test("this machine's memory", () => {
  const system = readSystemMemory();
  expect(system.totalBytes).toBeGreaterThan(system.availableBytes);
  const gauge = openMemoryGauge();
  expect(gauge.read().tightest.availableBytes).toBeGreaterThan(0);
  expect(gauge.read().system.totalBytes).toBe(system.totalBytes);
  gauge.close();
});

test("a table without the rows that count is refused with a typed error", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseMemoryInfo(text)).toThrow(HostError);
    }),
  );
});
