import type { InstanceState } from "@constellation/contract";
import type { Fit, Wish } from "@constellation/core";
import type { LifecycleEvent } from "@constellation/instances";

/** What an allocation asks, beside what its instance does. */
export interface Situation {
  readonly wish: Wish;
  readonly state: InstanceState;
  /** How the revision of the present or last run compares to the allocation's; null before the first run. */
  readonly fit: Fit | null;
}

/**
 * The next thing to tell an instance's life so that it follows its allocation; null when it does already.
 * Telling the same again changes nothing, so it is asked after every event.
 */
export function directive({ wish, state, fit }: Situation): LifecycleEvent | null {
  switch (wish.kind) {
    case "stop":
    case "remove":
      return state.status === "stopped" ? null : { type: "stop" };
    case "wait":
      return state.status === "waiting" && state.for === wish.for ? null : { type: "wait", for: wish.for };
    case "run":
      return toRun(state, fit);
  }
}

function toRun(state: InstanceState, fit: Fit | null): LifecycleEvent | null {
  switch (state.status) {
    case "completed":
    case "failed":
      // It has had its end with this very revision; only another one makes it try again.
      return fit === "current" ? null : { type: "start" };
    case "running":
    case "backoff":
      return fit === "outdated" ? { type: "restart" } : { type: "start" };
    default:
      return { type: "start" };
  }
}
