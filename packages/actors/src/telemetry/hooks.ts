import type { ActorRef } from "../vocabulary/actor-ref.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { SupervisorReport } from "./supervisor-report.ts";

/** Called while things happen; a hook must not throw. Unused ones cost nothing. */
export interface Hooks {
  onSpawn?(ref: ActorRef<never>): void;
  onExit?(ref: ActorRef<never>, reason: ExitReason): void;
  /** After each message, with the time its handler took until it returned. Reads the clock twice per message. */
  onMessage?(ref: ActorRef<never>, message: unknown, tookMs: number): void;
  /** What supervisors report: ended children, failed starts, restarts, giving up. */
  onReport?(report: SupervisorReport): void;
}
