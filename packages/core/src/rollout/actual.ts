import type { InstanceState } from "@constellation/contract";
import type { Fit } from "../changes/change.ts";

/** What an allocation asks of its node. `wait` is for another app and says which, in words. */
export type Wish =
  | { readonly kind: "wait"; readonly for: string }
  | { readonly kind: "run" }
  | { readonly kind: "stop" }
  | { readonly kind: "remove" };

/** One allocation of an app with what is known of its instance. */
export interface ActualInstance {
  /** 1 for the first. */
  readonly index: number;
  readonly wish: Wish;
  /** How the revision of its allocation compares to the newest. */
  readonly fit: Fit;
  readonly progress: Progress;
}

/**
 * How far an instance has come with what its allocation asks: `idle` nothing runs and nothing was tried,
 * `coming` on its way or struggling, `ready`, `completed`, `failed` given up.
 */
export type Progress = "idle" | "coming" | "ready" | "completed" | "failed";

/** The progress of an instance; one that still runs another revision than its allocation's has it all before it. */
export function progressOf(state: InstanceState | null, runsItsRevision: boolean): Progress {
  if (state === null || state.status === "waiting" || state.status === "stopped") return "idle";
  if (!runsItsRevision) return "coming";
  if (state.status === "completed" || state.status === "failed") return state.status;
  return state.status === "running" && state.ready ? "ready" : "coming";
}
