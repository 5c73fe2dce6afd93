import { formatBytes, type Resources } from "@constellation/contract";
import { type Cgroup, type CgroupLimits, createCgroup, HostError, type LimitName } from "@constellation/host";
import type { Abilities } from "./abilities.ts";
import type { Verdict } from "./verdict.ts";

/** The limits that control groups enforce, by the names under which they are reported. */
const measures: Readonly<Record<LimitName, string>> = {
  cpu: "limit.cpu",
  "cpu-weight": "limit.cpu-weight",
  memory: "limit.memory",
  swap: "limit.swap",
  pids: "limit.pids",
  io: "limit.io",
};

/**
 * Makes the control group of a run with its limits. Without any limit it is still wanted for counting and killing, but
 * a machine that has none does not refuse the start.
 *
 * @param disk any path on the disk whose rates are limited
 * @throws ConstellationError `limit.unenforceable`
 */
export function cgroupFor(
  name: string,
  resources: Resources,
  disk: string,
  { cgroups }: Abilities,
  verdict: Verdict,
): Cgroup | null {
  const limits = limitsOf(resources, disk);
  const asked = askedFor(resources);
  if (cgroups.kind === "unavailable") {
    for (const [limit, wanted] of asked) verdict.missingLimit(measures[limit], wanted, cgroups.missing, cgroups.remedy);
    verdict.missingProtection("cgroup", false, cgroups.missing);
    return null;
  }
  const outcome = createCgroup(cgroups.base, name, limits, { bestEffort: resources.bestEffort });
  const unenforced = outcome.kind === "created" ? outcome.unenforced : outcome.limits;
  for (const [limit, wanted] of asked) {
    const hole = unenforced.find((each) => each.limit === limit || (limit === "memory" && each.limit === "swap"));
    if (hole === undefined) verdict.on(measures[limit], wanted);
    else verdict.missingLimit(measures[hole.limit], hole.wanted, hole.missing, hole.remedy);
  }
  if (outcome.kind === "created") return outcome.cgroup;
  throw new HostError("cgroup-failed", `The control group ${name} was refused without a reason`);
}

function limitsOf(resources: Resources, disk: string): CgroupLimits {
  const { cpuCores, cpuWeight, memoryBytes, pids } = resources;
  const io = {
    ...(resources.ioReadBytesPerSecond === null ? {} : { readBytesPerSecond: resources.ioReadBytesPerSecond }),
    ...(resources.ioWriteBytesPerSecond === null ? {} : { writeBytesPerSecond: resources.ioWriteBytesPerSecond }),
    ...(resources.ioReadOpsPerSecond === null ? {} : { readOpsPerSecond: resources.ioReadOpsPerSecond }),
    ...(resources.ioWriteOpsPerSecond === null ? {} : { writeOpsPerSecond: resources.ioWriteOpsPerSecond }),
  };
  return {
    ...(cpuCores === null ? {} : { cpuCores }),
    ...(cpuWeight === null ? {} : { cpuWeight }),
    ...(memoryBytes === null ? {} : { memoryBytes }),
    ...(pids === null ? {} : { pidsMax: pids }),
    ...(Object.keys(io).length === 0 ? {} : { io: [{ device: disk, ...io }] }),
  };
}

/** What the spec asks for, in words. */
function askedFor(resources: Resources): [LimitName, string][] {
  const { cpuCores, cpuWeight, memoryBytes, pids } = resources;
  const io = [
    rate("reads", resources.ioReadBytesPerSecond, bytesPerSecond),
    rate("writes", resources.ioWriteBytesPerSecond, bytesPerSecond),
    rate("reads", resources.ioReadOpsPerSecond, (ops) => `${ops} per second`),
    rate("writes", resources.ioWriteOpsPerSecond, (ops) => `${ops} per second`),
  ].flat();
  return [
    ...(cpuCores === null ? [] : [["cpu", `${cpuCores} cores`] satisfies [LimitName, string]]),
    ...(cpuWeight === null ? [] : [["cpu-weight", `weight ${cpuWeight}`] satisfies [LimitName, string]]),
    ...(memoryBytes === null ? [] : [["memory", formatBytes(memoryBytes)] satisfies [LimitName, string]]),
    ...(pids === null ? [] : [["pids", `${pids} processes and threads`] satisfies [LimitName, string]]),
    ...(io.length === 0 ? [] : [["io", io.join(", ")] satisfies [LimitName, string]]),
  ];
}

const bytesPerSecond = (bytes: number): string => `${formatBytes(bytes)} per second`;
const rate = (what: string, value: number | null, words: (value: number) => string): string[] =>
  value === null ? [] : [`${what} of ${words(value)}`];
