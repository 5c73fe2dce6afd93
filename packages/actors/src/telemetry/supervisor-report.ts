import type { ActorRef } from "../vocabulary/actor-ref.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";

/** What a supervisor has to say, OTP's supervisor reports. */
export interface SupervisorReport {
  readonly kind: /** A child ended, and not in a way that its restart type calls normal. */
    | "child-terminated"
    /** A child could not be started. */
    | "start-error"
    /** A child did not end as it was told to. */
    | "shutdown-error"
    /** Too many restarts: the supervisor ends itself. */
    | "gave-up"
    /** A child runs again. */
    | "restarted";
  readonly supervisor: ActorRef<never>;
  /** The child's id, or its address under a dynamic supervisor. */
  readonly child: string;
  readonly reason: ExitReason;
}
