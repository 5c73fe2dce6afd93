import type { ActorRef } from "./actor-ref.ts";
import type { Cell } from "./cell.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Monitor } from "./monitors.ts";
import type { SupervisorCall } from "./supervisor/call.ts";

/** Tells an actor that traps exits that one it was linked to has ended. */
export interface Exit {
  readonly kind: "exit";
  readonly from: ActorRef<never> | null;
  readonly reason: ExitReason;
}

/** Tells that a monitored actor has ended. */
export interface Down {
  readonly kind: "down";
  /** What `context.monitor` returned. */
  readonly monitor: Monitor;
  readonly ref: ActorRef<never>;
  readonly reason: ExitReason;
}

/** What `onSignal` can be given. */
export type ActorSignal = Exit | Down | { readonly kind: "receive-timeout"; readonly idleMs: number };

/** Everything that travels in the system lane. */
export type Signal =
  | ActorSignal
  /** End in order, whoever it comes from: the owner, or `system.stop`. */
  | { readonly kind: "stop"; readonly reason: ExitReason }
  /** A message from a timer or a piped promise: it bypasses the bounds of the mailbox. */
  | { readonly kind: "deliver"; readonly message: unknown }
  /** Something that the actor had begun has failed: it ends with the error. */
  | { readonly kind: "fail"; readonly error: unknown }
  | { readonly kind: "child-started"; readonly child: Cell }
  | { readonly kind: "child-exit"; readonly child: Cell; readonly reason: ExitReason }
  | { readonly kind: "call"; readonly call: SupervisorCall }
  /** A timer of the runtime itself; `token` says which. */
  | { readonly kind: "alarm"; readonly token: object };
