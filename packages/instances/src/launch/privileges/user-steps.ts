import type { HostFacts } from "../host-facts.ts";
import type { Step } from "../plan/plan.ts";
import { steps } from "../plan/steps.ts";
import type { InstanceUser, LaunchRequest } from "../request.ts";

/**
 * Whether the instance's user namespace is made first and owns all others. Without privilege there is no other way; with
 * it the user namespace comes last, so that rights gained in it would reach nothing that was made before.
 */
export function userComesFirst(user: InstanceUser, host: HostFacts): boolean {
  return user.kind === "namespace" && !host.privileged;
}

/** The first steps of a child whose user namespace comes first; it may map only the caller's own ids. */
export function firstUserSteps(user: InstanceUser, host: HostFacts): Step[] {
  if (user.kind !== "namespace" || host.privileged) return [];
  return [
    steps.writeFile("/proc/self/setgroups", "deny"),
    steps.writeFile("/proc/self/uid_map", `${user.insideUid} ${user.outsideUid} 1`),
    steps.writeFile("/proc/self/gid_map", `${user.insideGid} ${user.outsideGid} 1`),
    steps.ids(user.insideUid, user.insideGid, []),
  ];
}

/** Becomes the instance's user after everything that needs privilege. A new user namespace brings back all capabilities. */
export function lastUserSteps({ user, isolation }: Pick<LaunchRequest, "user" | "isolation">, host: HostFacts): Step[] {
  if (user.kind === "own") return [steps.ids(user.uid, user.gid, user.groups)];
  if (user.kind === "same" || !host.privileged) return [];
  return [
    steps.newUser({ uid: user.insideUid, gid: user.insideGid }, { uid: user.outsideUid, gid: user.outsideGid }),
    ...(isolation.dropCapabilities ? [steps.bounding(0n)] : []),
  ];
}
