import type { Isolation as Wanted, Switch } from "@constellation/contract";
import type { InstanceUser, Isolation } from "../launch/index.ts";
import type { Abilities } from "./abilities.ts";
import { settingsWithoutRoot } from "./own-root.ts";
import type { Verdict } from "./verdict.ts";
import { type Wrapper, wrapperParts } from "./wrapper/wrapper.ts";

/**
 * First user of instances when the daemon is root: above what distributions give to people and services (useradd: up to
 * 60,000; the kernel's nobody: 65,534), and with {@link numberLimit} of them below the ranges of subuid(5), which begin at
 * 100,000: whoever is given such a range may become any user in it.
 */
const firstUser = 70_000;

/** The isolation of a launch without what depends on the network (scope-verdict.ts). */
export interface IsolationPlan {
  readonly isolation: Isolation;
  readonly user: InstanceUser;
  /** Who keeps these parts apart when the launcher cannot. */
  readonly wrapper: Wrapper | null;
}

/**
 * Decides each part of the isolation.
 *
 * @throws ConstellationError `isolation.unavailable` for a part that is `on` and cannot be
 */
export function isolationFor(wanted: Wanted, number: number, abilities: Abilities, verdict: Verdict): IsolationPlan {
  const user = userFor(wanted, number, abilities, verdict);
  const able = user.kind === "namespace" || (user.kind === "own" && abilities.namespaces.plainMissing === null);
  const wrapper = able ? null : abilities.wrapper;
  const covered = (measure: string): boolean => wrapper !== null && wrapperParts[wrapper].keeps.includes(measure);
  const { withUserMissing } = abilities.namespaces;
  const missing =
    wrapper === null
      ? `namespaces need a root daemon or user namespaces (${withUserMissing ?? "switched off in the spec"})`
      : `${wrapper} cannot`;
  const decide = (measure: string, asked: Switch, detail: string, without: string | null = null): boolean => {
    if (asked === "off") verdict.off(measure, "switched off in the spec");
    else if (!able && !covered(measure)) verdict.missingProtection(measure, asked === "on", missing);
    else if (without !== null) verdict.missingProtection(measure, asked === "on", without);
    else verdict.on(measure, able ? detail : `${detail}, by ${wrapper}`);
    return asked !== "off" && (able || covered(measure)) && without === null;
  };
  const off = settingsWithoutRoot(wanted);
  const halves = off.length === 0 ? null : `${off.join(" and ")} is off, and a file tree of its own is read-only here`;
  const mount = decide(
    "namespace.mount",
    wanted.mount,
    "a file tree of its own",
    wanted.mount === "off" ? null : halves,
  );
  const root = decide(
    "root.read-only",
    wanted.readOnlyRoot,
    "system folders are read-only",
    wanted.readOnlyRoot === "off" ? null : halves,
  );
  const namespaces = {
    pid: decide("namespace.pid", wanted.pid, "process numbers of its own"),
    root: mount && root,
    ipc: decide("namespace.ipc", wanted.ipc, "shared memory and queues of its own"),
    uts: decide("namespace.uts", wanted.uts, "a host name of its own"),
    cgroup: decide("namespace.cgroup", wanted.cgroup, "sees only its own control group"),
  };
  const wrapping = wrapper !== null && Object.values(namespaces).some(Boolean);
  const seccomp = wanted.seccomp !== "off";
  if (seccomp) verdict.on("seccomp", "the default profile");
  else verdict.off("seccomp", "switched off in the spec");
  // A root that kept its capabilities would not be contained by anything else.
  const confined = user.kind !== "same" || seccomp || Object.values(namespaces).some(Boolean);
  if (!confined) verdict.off("capabilities", "those of the daemon");
  else verdict.on("capabilities", "none, and no new privileges");
  return {
    user,
    wrapper: wrapping ? wrapper : null,
    isolation: {
      ...namespaces,
      dropCapabilities: confined && (able || wrapping),
      noNewPrivileges: confined,
      ownSockets: false,
      ownSignals: false,
      seccomp: seccomp ? "default" : "off",
      sys: "hidden",
      terminals: namespaces.root,
    },
  };
}

/** As whom the program runs: in a user namespace where there is one, and never as root unless everything is off. */
function userFor(wanted: Wanted, number: number, { facts, namespaces }: Abilities, verdict: Verdict): InstanceUser {
  const own = firstUser + number;
  const shy = wanted.user === "auto" && wanted.pid === "off" && namespaces.plainMissing === null;
  const outside = facts.privileged
    ? { outsideUid: own, outsideGid: own }
    : { outsideUid: facts.uid, outsideGid: facts.gid };
  if (shy) verdict.off("namespace.user", "it has no process numbers of its own");
  else if (wanted.user !== "off") {
    if (namespaces.withUserMissing === null) {
      verdict.on("namespace.user", `user ${own} inside is ${outside.outsideUid} outside`);
      return { kind: "namespace", insideUid: own, insideGid: own, ...outside };
    }
    verdict.missingProtection("namespace.user", wanted.user === "on", namespaces.withUserMissing);
  } else verdict.off("namespace.user", "switched off in the spec");
  const everythingOff = (["pid", "mount", "ipc", "uts", "cgroup", "seccomp"] as const).every(
    (part) => wanted[part] === "off",
  );
  // A root that can do no more than change users still does that: nothing else would contain what it starts.
  return facts.uid === 0 && facts.changesUsers && !everythingOff
    ? { kind: "own", uid: own, gid: own, groups: [] }
    : { kind: "same" };
}
