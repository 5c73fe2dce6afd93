import type { Feature } from "@constellation/contract";
import type { Abilities } from "./abilities.ts";
import { openWayOut } from "./network-verdict.ts";
import { keepsScopes } from "./scope-verdict.ts";
import { wrapperParts } from "./wrapper/wrapper.ts";

/** What the process driver offers on this machine. */
export function featuresOf(abilities: Abilities): Feature[] {
  const { facts, cgroups, namespaces, wayOut } = abilities;
  const { withUserMissing, plainMissing } = namespaces;
  const able = plainMissing === null || withUserMissing === null;
  return [
    {
      name: "driver.process",
      state: able ? "available" : "partial",
      detail:
        plainMissing === null
          ? "as root, each instance as a user of its own"
          : able
            ? "rootless"
            : "without namespaces",
      remedy: able ? null : `Allow user namespaces, or run the daemon as root: ${withUserMissing}.`,
    },
    levelOf(abilities, able),
    {
      name: "isolation.user-namespace",
      state: withUserMissing === null ? "available" : "missing",
      detail: withUserMissing ?? "users of instances are nobody outside",
      remedy:
        withUserMissing === null
          ? null
          : "Allow them: user.max_user_namespaces, kernel.unprivileged_userns_clone, or the AppArmor profile of the launcher.",
    },
    {
      name: "isolation.private-network",
      state: !facts.privileged ? "missing" : wayOut.kind === "open" ? "available" : "partial",
      detail: !facts.privileged
        ? "needs a root daemon"
        : wayOut.kind === "open"
          ? `way out by ${wayOut.by}`
          : `reaches only this machine: ${wayOut.missing}`,
      remedy: !facts.privileged ? "Run the daemon as root." : wayOut.kind === "open" ? null : `${openWayOut}.`,
    },
    {
      name: "limits.cgroup",
      state: cgroups.kind === "ready" ? "available" : "missing",
      detail: cgroups.kind === "ready" ? `cgroup v${cgroups.base.version}` : cgroups.missing,
      remedy: cgroups.kind === "ready" ? null : cgroups.remedy,
    },
  ];
}

/** By what instances are kept apart, the strongest that works here: launcher, bubblewrap, plain namespaces, nothing. */
function levelOf({ facts, namespaces, wrapper, landlockVersion }: Abilities, able: boolean): Feature {
  const name = "isolation.level";
  const remedy = `Let the launcher make namespaces: ${namespaces.withUserMissing ?? "as root or by user namespaces"}.`;
  if (able) {
    const lacks = [
      ...(facts.privileged
        ? []
        : ["users of their own, private networks with bandwidth limits, disks with a size: they need a root daemon"]),
      ...(keepsScopes(landlockVersion) ? [] : ["its own abstract sockets: they need Linux 6.12"]),
    ];
    const detail = lacks.length === 0 ? "launcher: everything" : `launcher; lacks ${lacks.join("; ")}`;
    return { name, state: "available", detail, remedy: null };
  }
  if (wrapper !== null)
    return { name, state: "partial", detail: `${wrapper}; lacks ${wrapperParts[wrapper].lacks}`, remedy };
  const rest = `no namespaces; what is left is ${facts.changesUsers ? "a user of its own, " : ""}control groups, no new privileges and the system call filter`;
  return { name, state: "missing", detail: rest, remedy };
}
