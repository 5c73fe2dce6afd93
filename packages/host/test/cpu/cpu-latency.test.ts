import { accessSync, constants, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuLatencyLimitUs, limitCpuLatency } from "../../src/index.ts";
import { idleDriver } from "../../src/cpu/cpu-latency.ts";
import { endChild, firstOutput, startChild } from "../children.ts";
import { machineTree } from "../machine-trees.ts";

const device = "/dev/cpu_dma_latency";
const isOurs = (): boolean => {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};
const descriptors = (): number => readdirSync("/proc/self/fd").length;

// Other tests of this machine may ask for less at the same time: what is told is at most what was asked for here.
test.runIf(isOurs() && idleDriver() !== null)("holds until it is released, and the least of all holds", () => {
  const before = descriptors();
  const first = limitCpuLatency(4321);
  expect(cpuLatencyLimitUs()).toBeLessThanOrEqual(4321);
  const second = limitCpuLatency(1234);
  expect(cpuLatencyLimitUs()).toBeLessThanOrEqual(1234);
  second.release();
  second.release();
  expect(cpuLatencyLimitUs()).not.toBe(1234);
  first.release();
  expect(cpuLatencyLimitUs()).not.toBe(4321);
  expect(descriptors()).toBe(before);
});

test.runIf(isOurs())("what a process asked for ends with it, however it ended", async () => {
  // 5678 µs, as the number of 32 bits that every machine of ours writes: little end first.
  const hold = String.raw`exec 3<>${device}; printf '\056\026\000\000' >&3; echo held; exec sleep 60`;
  const child = startChild("sh", ["-c", hold]);
  expect(await firstOutput(child)).toBe("held\n");
  expect(cpuLatencyLimitUs()).toBeLessThanOrEqual(5678);
  await endChild(child);
  expect(cpuLatencyLimitUs()).not.toBe(5678);
});

test.runIf(isOurs())("where nobody manages the sleep of processors it says so, and leaves nothing open", () => {
  const before = descriptors();
  expect(() => limitCpuLatency(0, machineTree("v1-docker"))).toThrow(
    expect.objectContaining({ code: "platform-unsupported" }),
  );
  expect(descriptors()).toBe(before);
});

test.runIf(!isOurs())("without the device, or the right to it, it says so", () => {
  const refused = expect.objectContaining({
    code: expect.stringMatching(/^(permission-denied|platform-unsupported)$/),
  });
  expect(() => limitCpuLatency(0)).toThrow(refused);
  expect(() => cpuLatencyLimitUs()).toThrow(refused);
});

test.each([-1, 0.5, Number.NaN, 2_000_000_000])("%s µs are refused", (microseconds) => {
  expect(() => limitCpuLatency(microseconds)).toThrow(expect.objectContaining({ code: "limit-invalid" }));
});
