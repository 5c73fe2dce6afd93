import type { InstanceState } from "@constellation/contract";
import type { Fit, Wish } from "@constellation/core";
import type { LifecycleEvent } from "@constellation/instances";

/** What an allocation asks, beside what its instance does. */
export interface Situation {
  readonly wish: Wish;
  readonly state: InstanceState;
  /** How the revision of the present or last run compares to the allocation's; null before the first run. */
  readonly fit: Fit | null;
  /** Whether it was asked to try anew since its last run was launched. */
  readonly anew: boolean;
  /** Whether it is to be started again however it ends. */
  readonly always: boolean;
}

/**
 * The next thing to tell an instance's life so that it follows its allocation; null when it does already.
 * Telling the same again changes nothing, so it is asked after every event.
 */
export function directive({ wish, state, ...run }: Situation): LifecycleEvent | null {
  switch (wish.kind) {
    case "stop":
    case "remove":
      return state.status === "stopped" ? null : { type: "stop" };
    case "wait":
      return state.status === "waiting" && state.for === wish.for ? null : { type: "wait", for: wish.for };
    case "run":
      return toRun(state, run);
  }
}

function toRun(
  state: InstanceState,
  { fit, anew, always }: Pick<Situation, "fit" | "anew" | "always">,
): LifecycleEvent | null {
  switch (state.status) {
    case "completed":
      // It has done its work, and settings that need no new process bring no more of it.
      return fit === "outdated" || always ? { type: "start" } : null;
    case "failed":
      return fit === "current" && !anew ? null : { type: "start" };
    case "running":
    case "backoff":
      return fit === "outdated" ? { type: "restart" } : { type: "start" };
    default:
      return { type: "start" };
  }
}
