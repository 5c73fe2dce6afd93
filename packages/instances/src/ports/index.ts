/** Public ports: one small process owns each, instances share its socket or stand behind it. */
export { checkEndpoint } from "./check-endpoint.ts";
export { addressesOverlap, type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
export {
  type InheritedSocket,
  listenPreload,
  mostSockets,
  portEnvironment,
  type PortEnvironment,
  type PortEnvironmentOptions,
} from "./environment.ts";
export { findPortOwners, type PortOwner } from "./owner.ts";
export { type Cancellable, mostBackends, PortProcess } from "./port-process.ts";
export { allocatePrivatePort, type PrivatePort } from "./private-port.ts";
export { runsNode, type Sharing, sharingOf } from "./sharing.ts";
export type { PortProcessOptions } from "./spawn.ts";
export type { BackendStats, PortStats } from "./stats.ts";
export { WaitingPort } from "./waiting-port.ts";
