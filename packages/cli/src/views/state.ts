import { type AppSummary, formatDuration, type InstanceState } from "@constellation/contract";
import type { Meaning } from "../terminal/style.ts";
import { printable } from "../terminal/width.ts";

/** A state in one word or few, and how it is meant. */
export interface Described {
  readonly text: string;
  readonly meaning: Meaning;
}

/** The state of an instance for people. What its program or its probes said may not reach the terminal as it is. */
export function describeState(state: InstanceState, nowMs: number): Described {
  const { text, meaning } = wordsOf(state, nowMs);
  return { text: printable(text), meaning };
}

function wordsOf(state: InstanceState, nowMs: number): Described {
  switch (state.status) {
    case "waiting":
      return { text: `waiting for ${state.for}`, meaning: "warning" };
    case "starting":
      return { text: "starting", meaning: "warning" };
    case "running":
      if (state.ready) return { text: "running", meaning: "good" };
      return { text: state.notReady === null ? "not ready" : `not ready: ${state.notReady}`, meaning: "warning" };
    case "stopping":
      return { text: "stopping", meaning: "warning" };
    case "backoff":
      return {
        text: `restarts in ${formatDuration(Math.max(0, state.until - nowMs))}: ${state.last.reason}`,
        meaning: "bad",
      };
    case "stopped":
      return { text: "stopped", meaning: "dim" };
    case "completed":
      return { text: "completed", meaning: "good" };
    case "failed":
      return { text: `failed: ${state.reason}`, meaning: "bad" };
  }
}

const appMeanings: Record<AppSummary["status"], Meaning> = {
  stopped: "dim",
  starting: "warning",
  healthy: "good",
  degraded: "warning",
  failed: "bad",
  completed: "good",
};

/** The status of an app for people. */
export function describeApp({ status, detail }: AppSummary): Described {
  return { text: detail === null ? status : `${status}: ${printable(detail)}`, meaning: appMeanings[status] };
}

/** The process id of an instance, when it has one. */
export const pidOf = (state: InstanceState): string => ("pid" in state && state.pid !== null ? String(state.pid) : "-");
