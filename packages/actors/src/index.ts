/**
 * Actors with the supervision of Erlang/OTP, for any JavaScript engine.
 * Node's own parts are in `@constellation/actors/node`, the test kit in `@constellation/actors/testkit`.
 */
export { actor, type Definition } from "./actor/actor.ts";
export type { ActorRef, AskOptions, ReplyTo, SendOutcome } from "./vocabulary/actor-ref.ts";
export { AskError, type AskErrorCode } from "./vocabulary/ask-error.ts";
export { ignore, type Behavior, type Ignore, type Next } from "./vocabulary/behavior.ts";
export type { Context } from "./actor/context.ts";
export type { DeadLetter, DeadLetterCause, DeadLetters } from "./telemetry/dead-letters.ts";
export { describeExit, exit, isOrderly, type ExitReason } from "./vocabulary/exit-reason.ts";
export type { GroupChange, Groups } from "./system/groups.ts";
export type { Hooks } from "./telemetry/hooks.ts";
export { Fifo } from "./queue/fifo.ts";
export { defaultHost, type Host, type HostTimer, type LogLevel } from "./host.ts";
export type { MailboxOptions, OverflowPolicy } from "./vocabulary/mailbox-options.ts";
export { NameTakenError, type Registry } from "./system/registry.ts";
export type { SliceLimits } from "./run/run-queue.ts";
export type { ActorSignal, ActorTimer, Down, Exit, Monitor } from "./vocabulary/signal.ts";
export type { Spawn, SpawnOptions } from "./vocabulary/spawn-options.ts";
export { StartError } from "./vocabulary/start-error.ts";
export { StashError } from "./cell/stash.ts";
export { ActorSystem, type SystemOptions } from "./system/system.ts";
export { formatTraceparent, parseTraceparent, type Span, type TraceContext } from "./telemetry/tracing.ts";
export { tree } from "./inspect/tree.ts";
export { snapshot, type ActorSnapshot, type ActorStatus, type SystemSnapshot } from "./inspect/snapshot.ts";
export { Bulkhead, type BulkheadOptions } from "./resilience/bulkhead.ts";
export { CircuitBreaker, type BreakerOptions, type BreakerState } from "./resilience/circuit-breaker.ts";
export type { Outcome } from "./resilience/outcome.ts";
export { RateLimiter, type RateLimit } from "./resilience/rate-limiter.ts";
export { retry, type RetryOptions } from "./resilience/retry.ts";
export { backoffMs, type BackoffOptions } from "./time/backoff.ts";
export type { ChildCounts, ChildInfo, ChildOutcome, ChildRefusal, StartChildOutcome } from "./supervisor/call.ts";
export {
  child,
  type ChildSettings,
  type ChildSpec,
  type DynamicChildSpec,
  type RestartType,
  type Shutdown,
  type TypedChildSpec,
} from "./supervisor/child-spec.ts";
export { ChildStartError } from "./supervisor/interpreter.ts";
export type { SupervisorReport } from "./telemetry/supervisor-report.ts";
export { DynamicSupervisor, supervise, Supervisor } from "./supervisor/supervise.ts";
export { supervisor, type DynamicSupervisorBehavior, type SupervisorBehavior } from "./supervisor/supervisor.ts";
export type {
  AutoShutdown,
  DynamicSupervisorOptions,
  Intensity,
  Strategy,
  SupervisorOptions,
} from "./supervisor/supervisor-options.ts";
export { SupervisorSpecError } from "./supervisor/validate.ts";
export { jsonCodec, messagePackCodec, type MessagePackLibrary } from "./remote/codecs.ts";
export { connect, Connection, ConnectionLostError, type ConnectOptions } from "./remote/connection.ts";
export { FrameReader, longestFrameBytes, writeFrame } from "./remote/frame.ts";
export { loopback, type Loopback, type LoopbackOptions } from "./remote/loopback.ts";
export { checkPackets, wireVersion, type Packet } from "./remote/packet.ts";
export { PortTransport, type PortLike } from "./remote/port-transport.ts";
export { RemoteError } from "./remote/reasons.ts";
export { remoteChild, RemoteExitError, type RemotePlace } from "./remote/remote-child.ts";
export { SerializationError, type Codec, type Transport, type TransportEvents } from "./remote/transport.ts";
export { Entities, type EntitiesOptions, type EntityContext, type EntityDefinition } from "./entities/entities.ts";
export { MemorySnapshots, type Snapshots } from "./entities/snapshots.ts";
export { wasmActor, type WasmActorOptions, type WasmMessage } from "./wasm/wasm-actor.ts";
export { instanceCount as wasmInstanceCount, type WasmLimits } from "./wasm/wasm-host.ts";
export type { WasmModule } from "./wasm/web-assembly.ts";
