import { type BaseOutcome, openCgroupBase } from "@constellation/host";
import { type HostFacts, readHostFacts } from "../launch/index.ts";
import { type WayOut, findWayOut } from "./way-out.ts";
import { readFileSync } from "node:fs";

/** What this machine lets the process driver do; looked up once, at its start. */
export interface Abilities {
  readonly facts: HostFacts;
  readonly cgroups: BaseOutcome;
  /** Why user namespaces cannot be made; null: they can. */
  readonly userNamespacesMissing: string | null;
  readonly wayOut: WayOut;
  /** The hard limit of descriptors that a process here can get. */
  readonly openFilesLimit: number;
}

/** Looks at this machine. */
export function findAbilities(cgroupBaseName: string): Abilities {
  const facts = readHostFacts();
  return {
    facts,
    cgroups: openCgroupBase({ name: cgroupBaseName }),
    userNamespacesMissing: missingUserNamespaces(facts),
    wayOut: findWayOut(facts.privileged),
    openFilesLimit: Number(
      /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? 0,
    ),
  };
}

/** The knobs that forbid user namespaces (user_namespaces(7); Debian's and Ubuntu's own). */
function missingUserNamespaces({ privileged }: HostFacts): string | null {
  const knob = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/${name}`, "latin1"));
    } catch {
      return Number.NaN;
    }
  };
  if (knob("user/max_user_namespaces") === 0) return "user.max_user_namespaces is 0";
  if (privileged) return null;
  if (knob("kernel/unprivileged_userns_clone") === 0) return "kernel.unprivileged_userns_clone is 0";
  if (knob("kernel/apparmor_restrict_unprivileged_userns") === 1)
    return "kernel.apparmor_restrict_unprivileged_userns is 1";
  return null;
}
