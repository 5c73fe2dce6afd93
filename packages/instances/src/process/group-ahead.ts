import { defaultPids } from "@constellation/contract";
import { type Cgroup, createCgroup } from "@constellation/host";
import type { Abilities } from "./abilities.ts";

/** A control group made ahead, with the limits of an instance that asks for none. */
export interface GroupAhead {
  readonly cgroup: Cgroup;
  /** Whether it has at most {@link defaultPids} processes. */
  readonly isBounded: boolean;
}

/** While something is made that may be wanted later, whatever serves somebody comes first. */
const makingWeight = 25;

/** A control group for something of ours that nobody waits for; null where there are none. */
export function makingGroup(name: string, { cgroups }: Pick<Abilities, "cgroups">): Cgroup | null {
  if (cgroups.kind === "unavailable") return null;
  const outcome = createCgroup(cgroups.base, name, { cpuWeight: makingWeight }, { bestEffort: true });
  return outcome.kind === "created" ? outcome.cgroup : null;
}

/** What was made in a group only waits from here on, and may be wanted at any moment. */
export function readyGroup(cgroup: Cgroup | null): GroupAhead | null {
  if (cgroup === null) return null;
  cgroup.setLimits({ cpuWeight: 100 });
  return { cgroup, isBounded: bounds(cgroup) };
}

/** Bounds the processes of a group; false where that cannot be. */
export function bounds(cgroup: Cgroup): boolean {
  return cgroup.setLimits({ pidsMax: defaultPids }).kind === "enforced";
}
