/**
 * Starting instances: a launch is a plan (plan/), assembled here as data and run by the small static program in
 * `launcher/`, which stays as the instance's supervisor and writes its records (records/).
 */
export { type HostFacts, type ProcPath, readHostFacts, type RootEntry } from "./host-facts.ts";
export { LaunchError, type LaunchErrorCode, type LaunchErrorDetails } from "./launch-error.ts";
export {
  type Bind,
  fullIsolation,
  type InheritedFile,
  type InstanceUser,
  type Isolation,
  type LaunchIdentity,
  type LaunchRequest,
  type LogTarget,
  type MemoryFolder,
  noIsolation,
  type ResourceLimits,
} from "./request.ts";
export type { DataFolder } from "./disk/data-folder.ts";
export { type DataUsage, readDataUsage } from "./disk/data-usage.ts";
export { createDiskImage, type DiskImage, SMALLEST_IMAGE_BYTES } from "./disk/disk-image.ts";
export { type DiskQuotaAbilities, probeDiskQuota } from "./disk/disk-quota.ts";
export { limitFolder, type LimitedFolder } from "./disk/project-quota.ts";
export type { NetworkRequest, VethWire } from "./network/network-request.ts";
export { ensureNetworkHost, type NetworkHostOptions, removeNetworkHost } from "./network/network-host.ts";
export { defaultInstanceRange, isWired, planWire } from "./network/wire-plan.ts";
export { buildPlan } from "./plan/build-plan.ts";
export { becomePlan } from "./plan/become-plan.ts";
export { encodePlan, PLAN_MAX_BYTES } from "./plan/encode-plan.ts";
export type { LaunchPlan, Step } from "./plan/plan.ts";
export { printPlan } from "./plan/print-plan.ts";
export { type Ability, type LauncherAbilities, probedParts, type ProbedPart, probeLauncher } from "./probe-launcher.ts";
export { seccompFilter } from "./privileges/privilege-steps.ts";
export { defaultSeccompProfile, type SeccompProfile } from "./privileges/seccomp-profile.ts";
export { type ControlOutcome, isSupervised, killInstance, signalInstance } from "./records/control.ts";
export { type Ending, type ExitRecord, readExitRecord } from "./records/exit-record.ts";
export { identityOf, type PidFile, type ProcessStamp, readPidFile } from "./records/pid-file.ts";
export type { LaunchedProcesses } from "./records/reply.ts";
export { type LifeEnd, watchLife } from "./records/watch-life.ts";
export { buildExecPlan, type ExecRequest, type TerminalSize } from "./session/exec-plan.ts";
export { type ExecEnd, ExecSession } from "./session/exec-session.ts";
export { buildAssignPlan, buildSlotPlan, type SlotAssignment, type SlotRequest } from "./slot/slot-plan.ts";
export { WarmSlot } from "./slot/warm-slot.ts";
export { STANDBY_DESCRIPTORS } from "./standby/standby-plan.ts";
export { Spawner, type SpawnerOptions } from "./spawner.ts";
