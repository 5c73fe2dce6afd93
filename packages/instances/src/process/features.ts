import type { Feature } from "@constellation/contract";
import type { Abilities } from "./abilities.ts";

/** What the process driver offers on this machine. */
export function featuresOf({ facts, cgroups, userNamespacesMissing, wayOut }: Abilities): Feature[] {
  const able = facts.privileged || userNamespacesMissing === null;
  return [
    {
      name: "driver.process",
      state: able ? "available" : "partial",
      detail: facts.privileged
        ? "as root, each instance as a user of its own"
        : able
          ? "rootless"
          : "without namespaces",
      remedy: able ? null : `Allow user namespaces: ${userNamespacesMissing}.`,
    },
    {
      name: "isolation.user-namespace",
      state: userNamespacesMissing === null ? "available" : "missing",
      detail: userNamespacesMissing ?? "users of instances are nobody outside",
      remedy: userNamespacesMissing === null ? null : "Set that kernel setting to allow them.",
    },
    {
      name: "isolation.private-network",
      state: !facts.privileged ? "missing" : wayOut.kind === "open" ? "available" : "partial",
      detail: !facts.privileged
        ? "needs a root daemon"
        : wayOut.kind === "open"
          ? `way out by ${wayOut.by}`
          : `reaches only this machine: ${wayOut.missing}`,
      remedy: facts.privileged ? null : "Run the daemon as root.",
    },
    {
      name: "limits.cgroup",
      state: cgroups.kind === "ready" ? "available" : "missing",
      detail: cgroups.kind === "ready" ? `cgroup v${cgroups.base.version}` : cgroups.missing,
      remedy: cgroups.kind === "ready" ? null : cgroups.remedy,
    },
  ];
}
