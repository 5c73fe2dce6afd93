import { type AppSummary, formatDuration, type Instance } from "@constellation/contract";
import type { Snapshot } from "@constellation/sdk";
import { type Column, table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describeApp, describeState, pidOf } from "./state.ts";

/** Apps and instances as two tables. */
export function psLines(
  { apps, instances }: Snapshot,
  out: Pick<Terminal, "style" | "width">,
  nowMs: number,
): string[] {
  if (apps.length === 0) return ["No apps. Write a spec with `constellation init`, then `constellation up`."];
  const dim = (text: string): string => out.style("dim", text);
  const lines = table(appColumns(out, nowMs), apps, out.width(), dim);
  if (instances.length === 0) return lines;
  return [...lines, "", ...table(instanceColumns(out, nowMs), instances, out.width(), dim)];
}

const appColumns = ({ style }: Pick<Terminal, "style">, nowMs: number): Column<AppSummary>[] => [
  { title: "APP", cell: ({ name }) => name, shrinkTo: 12 },
  { title: "READY", cell: ({ ready, wanted }) => `${ready}/${wanted}`, align: "right" },
  { title: "REVISION", cell: ({ revision }) => String(revision), align: "right", dropAt: 2 },
  { title: "CHANGED", cell: ({ updatedAt }) => ago(updatedAt, nowMs), dropAt: 3 },
  { title: "URL", cell: ({ urls }) => style("link", urls.join(" ")), dropAt: 1, shrinkTo: 22 },
  {
    title: "STATUS",
    cell: (app) => {
      const { text, meaning } = describeApp(app);
      return style(meaning, text);
    },
    shrinkTo: 10,
  },
];

const instanceColumns = ({ style }: Pick<Terminal, "style">, nowMs: number): Column<Instance>[] => [
  { title: "INSTANCE", cell: ({ name }) => name, shrinkTo: 12 },
  { title: "PID", cell: ({ state }) => pidOf(state), align: "right" },
  { title: "RESTARTS", cell: ({ restarts }) => String(restarts), align: "right", dropAt: 1 },
  { title: "REVISION", cell: ({ revision }) => String(revision), align: "right", dropAt: 3 },
  { title: "SINCE", cell: ({ state }) => ago(state.since, nowMs), dropAt: 2 },
  {
    title: "STATE",
    cell: ({ state }) => {
      const { text, meaning } = describeState(state, nowMs);
      return style(meaning, text);
    },
    shrinkTo: 10,
  },
];

const ago = (at: number, nowMs: number): string => `${formatDuration(Math.max(0, nowMs - at))} ago`;
