import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { tell, type Host } from "../host.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { SupervisorReport } from "./supervisor-report.ts";

/** Called while things happen; what a hook throws is logged. Unused ones cost nothing. */
export interface Hooks {
  onSpawn?(ref: ActorRef<never>): void;
  onExit?(ref: ActorRef<never>, reason: ExitReason): void;
  /** After each message, with the time its handler took until it returned. Reads the clock twice per message. */
  onMessage?(ref: ActorRef<never>, message: unknown, tookMs: number): void;
  /** What supervisors report: ended children, failed starts, restarts, giving up. */
  onReport?(report: SupervisorReport): void;
}

/** The same hooks, none of which can fail the actor or the supervisor that it watches. */
export function carefulHooks(host: Host, hooks: Hooks): Hooks {
  return {
    ...(hooks.onSpawn && { onSpawn: (ref) => tell(host, () => hooks.onSpawn?.(ref), null) }),
    ...(hooks.onExit && { onExit: (ref, reason) => tell(host, () => hooks.onExit?.(ref, reason), null) }),
    ...(hooks.onMessage && {
      onMessage: (ref, message, tookMs) => tell(host, () => hooks.onMessage?.(ref, message, tookMs), null),
    }),
    ...(hooks.onReport && { onReport: (report) => tell(host, () => hooks.onReport?.(report), null) }),
  };
}
