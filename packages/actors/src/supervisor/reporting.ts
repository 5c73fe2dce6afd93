import { describeExit, type ExitReason } from "../vocabulary/exit-reason.ts";
import type { SupervisedChild } from "./child.ts";
import type { SupervisorReport } from "../telemetry/supervisor-report.ts";
import type { SupervisorState } from "./supervisor-state.ts";

/** Reports to the hooks, and to the log unless it would repeat itself. */
export function report(
  state: SupervisorState,
  kind: SupervisorReport["kind"],
  child: SupervisedChild,
  reason: ExitReason,
  isRepeated = false,
): void {
  const { system } = state.cell;
  system.hooks?.onReport?.({ kind, supervisor: state.cell, child: nameOf(child), reason });
  if (isRepeated || kind === "restarted" || !system.logsReports) return;
  const text = `${state.cell.address}: ${sentence[kind]} ${nameOf(child)}: ${describeExit(reason)}`;
  system.host.log(kind === "gave-up" ? "error" : "warn", text, reason.kind === "error" ? reason.error : undefined);
}

/** What a child is called in reports. */
function nameOf(child: SupervisedChild): string {
  return child.plan.id ?? child.cell?.address ?? child.plan.script.kind;
}

const sentence = {
  "child-terminated": "child ended,",
  "start-error": "could not start",
  "shutdown-error": "did not end as told,",
  "gave-up": "too many restarts, the last of",
  restarted: "runs again,",
} as const;
