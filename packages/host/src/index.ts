/** What this machine offers and how full it is: processes, control groups, memory, CPU, pressure, ports, containers. */
export { errnoOf, HostError, type HostErrorCode } from "./failure.ts";
export { systemRoots, type HostRoots } from "./roots.ts";

export { bootId, kernelUnits, ticksToUs, uptimeMs, type KernelUnits } from "./proc/clock.ts";
export { countNames } from "./proc/count-names.ts";
export { environmentEntry, findByEnvironment, type EnvironmentMarker } from "./proc/environment-marker.ts";
export {
  identifyProcess,
  isProcessAlive,
  signalProcess,
  type ProcessIdentity,
  type SignalOutcome,
} from "./proc/identity.ts";
export { KeptFile } from "./proc/kept-file.ts";
export {
  childrenOf,
  listPids,
  lookAtProcess,
  processTree,
  type ListedProcess,
  type ProcessTree,
} from "./proc/process-list.ts";
export { ProcessReader } from "./proc/process-reader.ts";
export { parseProcessStat, type ProcessStat } from "./proc/stat.ts";
export type { InterfaceCounters, ProcessIo, ProcessStatus, ProportionalMemory } from "./proc/tables.ts";

export {
  createCgroup,
  listCgroups,
  openCgroup,
  openCgroupBase,
  removeCgroupBase,
  type BaseOptions,
  type BaseOutcome,
  type CgroupBase,
  type CreateOutcome,
} from "./cgroup/base.ts";
export { blockDeviceOf, type BlockDevice } from "./cgroup/block-device.ts";
export type {
  Cgroup,
  CgroupCounters,
  CgroupEvents,
  CgroupGauge,
  CgroupLocation,
  CgroupWait,
  JoinTarget,
  KillOutcome,
  RemoveOutcome,
} from "./cgroup/cgroup.ts";
export { sharesFromWeight, weightFromShares } from "./cgroup/cpu-weight.ts";
export { detectCgroups, type CgroupLayout, type Hierarchy, type V1Controller } from "./cgroup/layout.ts";
export type { CgroupLimits, IoLimit, LimitName, LimitVerdict, UnenforceableLimit } from "./cgroup/limits.ts";
export { parseMounts, type Mount } from "./cgroup/mountinfo.ts";

export {
  openMemoryGauge,
  readMemory,
  type MemoryGauge,
  type MemoryLevel,
  type MemoryReading,
} from "./memory/memory-gauge.ts";
export { readSystemMemory, type SystemMemory } from "./memory/system-memory.ts";
export { cpuLatencyLimitUs, limitCpuLatency, type CpuLatencyLimit } from "./cpu/cpu-latency.ts";
export { openCpuGauge, type CpuGauge, type CpuReading } from "./cpu/cpu-gauge.ts";
export { effectiveCpus, type EffectiveCpus } from "./cpu/effective-cpus.ts";
export {
  hostCapacity,
  hostPressure,
  openHostGauge,
  type HostCapacity,
  type HostGauge,
  type HostPressure,
} from "./pressure/host-pressure.ts";
export {
  openCgroupPressureGauge,
  openPressureGauge,
  type Pressure,
  type PressureGauge,
  type PressureReading,
  type PressureResource,
  type StallShare,
} from "./pressure/psi.ts";

export type { Monitor, MonitorTarget, Sample, Watch } from "./monitor/monitor.ts";
export { openMonitor } from "./monitor/open-monitor.ts";
export { Sampler, type SamplerOptions, type SamplerState } from "./monitor/sampler.ts";
export { findFreePort, type FreePortOptions } from "./ports/free-port.ts";
export { listListeners, type ListenerOptions } from "./ports/listeners.ts";
export type { PortListener, PortOwner } from "./ports/port-listener.ts";
export type { ListeningSocket } from "./ports/socket-table.ts";
export {
  setIoPriority,
  setNiceness,
  setOomScoreAdjustment,
  type IoClass,
  type PriorityOutcome,
} from "./priority/priority.ts";

export type { Feature, FeatureName } from "./capabilities/feature.ts";
export { capabilityNames, linuxCapabilities } from "./capabilities/linux-capabilities.ts";
export { probeHost, type ProbeOptions } from "./capabilities/probe-host.ts";
export {
  listContainers,
  probeEngine,
  removeContainer,
  stopContainer,
  type Container,
  type EngineState,
} from "./containers/containers.ts";
export type { EngineCall } from "./containers/engine-request.ts";
export { findEngineSockets, type EngineSocket } from "./containers/engine-socket.ts";
export { launchdPlist } from "./service/launchd-plist.ts";
export { systemdUnit, type ServiceSettings } from "./service/systemd-unit.ts";
export { longestTimeoutMs, timeLimit } from "./time-limit.ts";
