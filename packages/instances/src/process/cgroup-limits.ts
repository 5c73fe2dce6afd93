import { defaultPids, formatBytes, type Measure, type Resources } from "@constellation/contract";
import {
  type Cgroup,
  type CgroupLimits,
  createCgroup,
  type CreateOutcome,
  type LimitName,
  type UnenforceableLimit,
} from "@constellation/host";
import type { Abilities } from "./abilities.ts";
import { bounds, type GroupAhead } from "./group-ahead.ts";
import type { Verdict } from "./verdict.ts";

/** The limits that control groups enforce, with the names under which they are reported. */
export const limitMeasures: Readonly<Record<LimitName, string>> = {
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
 * @param made one that was made ahead, and gets now what differs from the limits of an instance that asks for none
 * @param disk any path on the disk whose rates are limited
 * @throws ConstellationError `limit.unenforceable`
 */
export function cgroupFor(
  { name, made }: { readonly name: string; readonly made: GroupAhead | null },
  resources: Resources,
  disk: string,
  { cgroups }: Abilities,
  verdict: Verdict,
): Cgroup | null {
  const limits = limitsOf(resources, disk);
  const asked = askedFor(resources);
  if (cgroups.kind === "unavailable") {
    for (const [limit, wanted] of asked)
      verdict.missingLimit(limitMeasures[limit], wanted, cgroups.missing, cgroups.remedy);
    verdict.missingProtection("cgroup", false, cgroups.missing);
    return null;
  }
  const outcome =
    made === null
      ? createCgroup(cgroups.base, name, limits, { bestEffort: resources.bestEffort })
      : limitMade(
          made.cgroup,
          resources.pids === "unlimited" && made.isBounded ? { ...limits, pidsMax: "max" } : limits,
        );
  const unenforced = outcome.kind === "created" ? outcome.unenforced : outcome.limits;
  refuseHoles(asked, unenforced, verdict);
  const covers = (hole: LimitName, limit: LimitName): boolean =>
    hole === limit || (hole === "swap" && limit === "memory");
  for (const [limit, wanted] of asked)
    if (!unenforced.some((hole) => covers(hole.limit, limit))) verdict.on(limitMeasures[limit], wanted);
  // Where it was not created the verdict has refused; one that checks a spec says so later.
  if (outcome.kind !== "created") return null;
  // Nobody asked for this one: a machine without it is no reason to refuse.
  if (resources.pids === null && (made?.isBounded ?? bounds(outcome.cgroup)))
    verdict.on(limitMeasures.pids, defaultPidsWords);
  return outcome.cgroup;
}

const pidsWords = (pids: number): string => `${pids} processes and threads`;
const defaultPidsWords = `${pidsWords(defaultPids)}, by default`;

/** Refuses, or reports, the limits that a group does not have, in the words of the spec. */
export function refuseHoles(
  asked: readonly (readonly [LimitName, string])[],
  holes: readonly UnenforceableLimit[],
  verdict: Verdict,
): void {
  const words = new Map(asked);
  for (const { limit, wanted, missing, remedy } of holes)
    verdict.missingLimit(limitMeasures[limit], words.get(limit) ?? wanted, missing, remedy);
}

function limitMade(cgroup: Cgroup, limits: CgroupLimits): CreateOutcome {
  if (Object.keys(limits).length === 0) return { kind: "created", cgroup, unenforced: [] };
  const verdict = cgroup.setLimits(limits);
  return { kind: "created", cgroup, unenforced: verdict.kind === "enforced" ? [] : verdict.limits };
}

/** Limits that the kernel takes while the group is in use, and what lifts them. */
const liveMeasures: readonly string[] = Object.values(limitMeasures);

/**
 * Sets the limits of a group that is in use; the measures as they are then, or null when the kernel did not take all of
 * them (memory below what is used, a controller that is missing).
 *
 * @param disk any path on the disk whose rates are limited
 */
export function relimit(
  cgroup: Cgroup,
  resources: Resources,
  disk: string,
  measures: readonly Measure[],
): readonly Measure[] | null {
  const { cpuCores, cpuWeight, memoryBytes, pids } = resources;
  if (memoryBytes !== null && wouldKill(cgroup, memoryBytes)) return null;
  const bounded = pids === null && measures.some(({ name }) => name === limitMeasures.pids);
  const verdict = cgroup.setLimits({
    cpuCores: cpuCores ?? "max",
    cpuWeight: cpuWeight ?? 100,
    memoryBytes: memoryBytes ?? "max",
    pidsMax: typeof pids === "number" ? pids : bounded ? defaultPids : "max",
    // Where no rate was limited and none shall be, a disk that cannot be throttled does not matter.
    ...(measures.some(({ name }) => name === limitMeasures.io) || limitsOf(resources, disk).io !== undefined
      ? { io: [{ device: disk, ...liftedRates, ...limitsOf(resources, disk).io?.[0] }] }
      : {}),
  });
  if (verdict.kind === "unenforceable") return null;
  const inForce = askedFor(resources).map(
    ([limit, detail]) => ({ name: limitMeasures[limit], state: "on", detail }) as const,
  );
  return [
    ...measures.filter(({ name }) => !liveMeasures.includes(name)),
    ...inForce.filter(({ name }) => liveMeasures.includes(name)),
    ...(bounded ? [{ name: limitMeasures.pids, state: "on", detail: defaultPidsWords } as const] : []),
  ];
}

/** cgroup v1 refuses a bound below what is used; v2 takes it, and the kernel ends programs until it holds (memory.max). */
function wouldKill(cgroup: Cgroup, memoryBytes: number): boolean {
  if (cgroup.location.version === 1) return false;
  const { memoryCurrentBytes = 0, memoryInactiveFileBytes = 0 } = cgroup.counters();
  return memoryCurrentBytes - memoryInactiveFileBytes > memoryBytes;
}

const liftedRates = {
  readBytesPerSecond: "max",
  writeBytesPerSecond: "max",
  readOpsPerSecond: "max",
  writeOpsPerSecond: "max",
} as const;

/** The limits of a spec as a control group takes them. @param disk any path on the disk whose rates are limited */
export function limitsOf(resources: Resources, disk: string): CgroupLimits {
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
    ...(typeof pids === "number" ? { pidsMax: pids } : {}),
    ...(Object.keys(io).length === 0 ? {} : { io: [{ device: disk, ...io }] }),
  };
}

/** What the spec asks for, in words. */
export function askedFor(resources: Resources): readonly [LimitName, string][] {
  const { cpuCores, cpuWeight, memoryBytes, pids } = resources;
  const io = [
    rate("reads", resources.ioReadBytesPerSecond, bytesPerSecond),
    rate("writes", resources.ioWriteBytesPerSecond, bytesPerSecond),
    rate("reads", resources.ioReadOpsPerSecond, (ops) => `${ops} per second`),
    rate("writes", resources.ioWriteOpsPerSecond, (ops) => `${ops} per second`),
  ].flat();
  return [
    ...(cpuCores === null
      ? []
      : [["cpu", `${cpuCores} ${cpuCores === 1 ? "core" : "cores"}`] satisfies [LimitName, string]]),
    ...(cpuWeight === null ? [] : [["cpu-weight", `weight ${cpuWeight}`] satisfies [LimitName, string]]),
    ...(memoryBytes === null ? [] : [["memory", formatBytes(memoryBytes)] satisfies [LimitName, string]]),
    ...(typeof pids === "number" ? [["pids", pidsWords(pids)] satisfies [LimitName, string]] : []),
    ...(io.length === 0 ? [] : [["io", io.join(", ")] satisfies [LimitName, string]]),
  ];
}

const bytesPerSecond = (bytes: number): string => `${formatBytes(bytes)} per second`;
const rate = (what: string, value: number | null, words: (value: number) => string): string[] =>
  value === null ? [] : [`${what} of ${words(value)}`];
