import type { ActorRef } from "./actor-ref.ts";
import type { ExitReason } from "./exit-reason.ts";

/** One watch on one actor, made by `context.monitor`; it fires at most once. */
export interface Monitor {
  readonly ref: ActorRef<never>;
}

/** A message on its way through time, made by `context.sendAfter` or `sendEvery`; it ends with its actor. */
export interface ActorTimer {
  /** Stops it; false when it had fired (and does not repeat) or was cancelled before. */
  cancel(): boolean;
}

/** Tells an actor that traps exits that one it was linked to has ended. */
export interface Exit {
  readonly kind: "exit";
  readonly from: ActorRef<never>;
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
