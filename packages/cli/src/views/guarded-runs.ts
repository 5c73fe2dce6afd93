import { formatBytes, formatDuration, type LeasedRun } from "@constellation/contract";
import type { Terminal } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";

/** The guarded runs of a daemon, oldest first; nothing when there are none. */
export function guardedRunLines(runs: readonly LeasedRun[], nowMs: number, { width, style }: Terminal): string[] {
  if (runs.length === 0) return [];
  const columns = [
    { title: "GUARDED RUN", cell: ({ id }: LeasedRun) => id.slice(0, 8) },
    { title: "PID", cell: ({ pid }: LeasedRun) => (pid === null ? "–" : String(pid)) },
    { title: "STATE", cell: ({ phase }: LeasedRun) => (phase === "parked" ? "stopped" : phase) },
    { title: "SINCE", cell: ({ sinceMs }: LeasedRun) => formatDuration(Math.max(0, nowMs - sinceMs)) },
    { title: "MEMORY", cell: ({ treeBytes }: LeasedRun) => formatBytes(treeBytes) },
    { title: "PORTS", cell: ({ ports }: LeasedRun) => (ports.length === 0 ? "–" : ports.join(",")) },
    { title: "FOLDER", cell: ({ root }: LeasedRun) => root, shrinkTo: 20 },
    { title: "WAITS FOR", cell: ({ reason }: LeasedRun) => reason, shrinkTo: 20 },
  ];
  const sorted = runs.toSorted((a, b) => a.sinceMs - b.sinceMs);
  return ["", ...table(columns, sorted, width(), (text) => style("dim", text))];
}
