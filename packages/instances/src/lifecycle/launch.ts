import { newRunId } from "../driver/run-id.ts";
import type { LifecycleEffect } from "./event.ts";
import { countOf, type Lifecycle } from "./lifecycle.ts";

/** What an event leads to. */
export interface Step {
  readonly next: Lifecycle;
  readonly effects: readonly LifecycleEffect[];
}

/** Starts a new run of a life that has none. */
export function launch(life: Lifecycle, nowMs: number, random: number, runId = newRunId(nowMs, random)): Step {
  return {
    next: { ...life, phase: { status: "starting", since: nowMs, runId } },
    effects: [{ type: "launch", runId, count: countOf(life) }],
  };
}
