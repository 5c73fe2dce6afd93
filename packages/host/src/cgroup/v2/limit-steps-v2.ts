import { existsSync } from "node:fs";
import { blockDeviceOf } from "../block-device.ts";
import type { LimitStep } from "../limit-steps.ts";
import { noDevice, noSwapAccounting, swapTotalBytes } from "../missing-limits.ts";
import { cpuQuota, type CgroupLimits, type IoLimit, type LimitName } from "../limits.ts";
import { kernelUnits } from "../../proc/clock.ts";
import { parseUnsigned } from "../../proc/unsigned.ts";

/** The v2 files that carry the bounds asked for. `controllers` are those enabled for the group. */
export function v2LimitSteps(directory: string, controllers: readonly string[], limits: CgroupLimits): LimitStep[] {
  const ifEnabled = (controller: string, limit: LimitName, wanted: string, steps: () => LimitStep[]): LimitStep[] =>
    controllers.includes(controller) ? steps() : [notDelegated(limit, wanted, controller)];
  const { cpuCores, cpuWeight, memoryBytes, swapBytes, pidsMax, io } = limits;
  return [
    ...(cpuCores === undefined
      ? []
      : ifEnabled("cpu", "cpu", `${cpuCores} cores`, () => [cpuStep(directory, cpuCores, limits.cpuPeriodUs)])),
    ...(cpuWeight === undefined
      ? []
      : ifEnabled("cpu", "cpu-weight", `weight ${cpuWeight}`, () => [
          exactStep("cpu-weight", `weight ${cpuWeight}`, `${directory}/cpu.weight`, String(cpuWeight)),
        ])),
    ...(memoryBytes === undefined && swapBytes === undefined
      ? []
      : ifEnabled("memory", "memory", `${memoryBytes ?? "unchanged"} bytes`, () => memorySteps(directory, limits))),
    ...(pidsMax === undefined
      ? []
      : ifEnabled("pids", "pids", `${pidsMax} processes`, () => [
          exactStep("pids", `${pidsMax} processes`, `${directory}/pids.max`, String(pidsMax)),
        ])),
    ...(io ?? []).flatMap((each) => ifEnabled("io", "io", `rates on ${each.device}`, () => ioSteps(directory, each))),
  ];
}

function cpuStep(directory: string, cores: number | "max", periodUs: number | undefined): LimitStep {
  const quota = cores === "max" ? undefined : cpuQuota(cores, periodUs);
  const text = quota === undefined ? `max ${periodUs ?? 100_000}` : `${quota.quotaUs} ${quota.periodUs}`;
  return exactStep("cpu", `${cores} cores`, `${directory}/cpu.max`, text);
}

function memorySteps(directory: string, { memoryBytes, swapBytes }: CgroupLimits): LimitStep[] {
  const steps: LimitStep[] = [];
  if (memoryBytes !== undefined)
    steps.push(bytesStep("memory", `${memoryBytes} bytes`, `${directory}/memory.max`, memoryBytes));
  const swap = swapBytes ?? (memoryBytes === "max" ? "max" : 0);
  const wanted = `${swap} bytes of swap`;
  if (existsSync(`${directory}/memory.swap.max`))
    steps.push(bytesStep("swap", wanted, `${directory}/memory.swap.max`, swap));
  else if (swap !== "max" && swapTotalBytes() > 0) steps.push(noSwapAccounting(wanted));
  return steps;
}

function ioSteps(directory: string, io: IoLimit): LimitStep[] {
  const rates = [
    ["rbps", io.readBytesPerSecond],
    ["wbps", io.writeBytesPerSecond],
    ["riops", io.readOpsPerSecond],
    ["wiops", io.writeOpsPerSecond],
  ].flatMap(([key, rate]) => (rate === undefined ? [] : [`${key}=${rate}`]));
  if (rates.length === 0) return [];
  const wanted = `${rates.join(" ")} on ${io.device}`;
  const device = blockDeviceOf(io.device);
  if (device.kind === "none") return [noDevice(wanted, device.reason)];
  const lifts = rates.every((rate) => rate.endsWith("=max"));
  return [
    {
      kind: "write",
      limit: "io",
      wanted,
      path: `${directory}/io.max`,
      text: `${device.majorMinor} ${rates.join(" ")}`,
      holds: (text) => {
        const line = text.split("\n").find((each) => each.startsWith(`${device.majorMinor} `));
        if (line === undefined) return lifts;
        const words = line.split(" ");
        return rates.every((rate) => words.includes(rate));
      },
      remedy: "use a kernel with CONFIG_BLK_DEV_THROTTLING and a device that can be throttled",
    },
  ];
}

function exactStep(limit: LimitName, wanted: string, path: string, text: string): LimitStep {
  const remedy = "run as root or in a delegated cgroup whose ancestors allow this value";
  return { kind: "write", limit, wanted, path, text, holds: (readBack) => readBack.trim() === text, remedy };
}

function bytesStep(limit: LimitName, wanted: string, path: string, bytes: number | "max"): LimitStep {
  return {
    kind: "write",
    limit,
    wanted,
    path,
    text: String(bytes),
    holds: (readBack) => {
      if (bytes === "max") return readBack.trim() === "max";
      const value = parseUnsigned(readBack);
      return value !== undefined && value <= bytes && value > bytes - kernelUnits().pageBytes;
    },
    remedy: "run as root or in a delegated cgroup",
  };
}

function notDelegated(limit: LimitName, wanted: string, controller: string): LimitStep {
  return {
    kind: "missing",
    unenforceable: {
      limit,
      wanted,
      missing: `the cgroup v2 controller "${controller}" is not enabled for our control group`,
      remedy: `delegate it: systemctl edit user@.service and add [Service] Delegate=cpu cpuset io memory pids, or run as root`,
    },
  };
}
