import type { HostFacts } from "../host-facts.ts";
import type { InstanceUser, Isolation, LaunchRequest, ResourceLimits } from "../request.ts";
import { resources, scopes } from "../plan/linux.ts";
import type { Step } from "../plan/plan.ts";
import { steps } from "../plan/steps.ts";
import { compileSeccomp } from "./compile-seccomp.ts";
import { defaultSeccompProfile } from "./seccomp-profile.ts";

const limitNames: Readonly<Record<keyof ResourceLimits, string>> = {
  openFiles: "open files",
  processes: "processes of the user",
  fileBytes: "file size",
  addressSpaceBytes: "address space",
  stackBytes: "stack",
  lockedMemoryBytes: "locked memory",
  coreBytes: "core dumps",
};

/**
 * The main process gives up everything it does not need, in the order in which the kernel lets it. The bounding set is
 * empty by then.
 *
 * @param become what makes it its user. @default as one who is in its user namespace already
 */
export function privilegeSteps(
  request: Pick<LaunchRequest, "isolation" | "user" | "rlimits">,
  become: readonly Step[] = becomeOwn(request.user),
): Step[] {
  const { isolation } = request;
  const limits = Object.entries({ coreBytes: 0, ...request.rlimits }) as [keyof ResourceLimits, number | undefined][];
  return [
    ...limits.flatMap(([name, value]) =>
      value === undefined ? [] : [steps.rlimit(resources[name], limitNames[name], value)],
    ),
    ...become,
    ...(isolation.dropCapabilities ? [steps.capabilities(0n)] : []),
    ...(isolation.noNewPrivileges ? [steps.noNewPrivileges()] : []),
    ...scopeSteps(isolation),
  ];
}

/** A daemon that the kernel spares (its systemd unit says so) has instances that it does not: one of them may be why. */
export function expendableSteps({ oomScoreAdjustment }: HostFacts): Step[] {
  return oomScoreAdjustment < 0 ? [steps.writeFile("/proc/self/oom_score_adj", "0")] : [];
}

function becomeOwn(user: InstanceUser): Step[] {
  return user.kind === "own" ? [steps.ids(user.uid, user.gid, user.groups)] : [];
}

function scopeSteps({ ownSockets, ownSignals }: Isolation): Step[] {
  const what = (ownSockets ? scopes.abstractSockets : 0) | (ownSignals ? scopes.signals : 0);
  return what === 0 ? [] : [steps.scope(what)];
}

/** The last step before exec, since the launcher itself needs calls that the filter refuses. */
export function seccompSteps({ isolation }: Pick<LaunchRequest, "isolation">, architecture: "x64" | "arm64"): Step[] {
  if (isolation.seccomp === "off") return [];
  return [steps.seccomp(isolation.seccomp === "default" ? seccompFilter(architecture) : isolation.seccomp)];
}

const compiled = new Map<string, Uint8Array>();

/** The default profile, compiled once for each architecture. */
export function seccompFilter(architecture: "x64" | "arm64"): Uint8Array {
  const known = compiled.get(architecture) ?? compileSeccomp(defaultSeccompProfile, architecture);
  compiled.set(architecture, known);
  return known;
}
