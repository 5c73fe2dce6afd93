import type { Feature } from "@constellation/contract";
import type { Abilities } from "./abilities.ts";
import { openWayOut } from "./network-verdict.ts";

/** What the process driver offers on this machine. */
export function featuresOf({ facts, cgroups, namespaces, wayOut }: Abilities): Feature[] {
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
