import { formatBytes, formatDuration } from "@constellation/contract";
import { bar } from "../terminal/bar.ts";
import { counted } from "../terminal/counted.ts";
import { type Column, table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { truncate } from "../terminal/width.ts";
import type { Measured } from "./measured.ts";

/** What `top` sorts by; the first letter is its key. */
export const sortNames = ["cpu", "memory", "disk", "network", "instance"] as const;

/** What `top` sorts by. */
export type TopSort = (typeof sortNames)[number];

const barColumns = 8;
/** In a narrower terminal there are no bars. */
const widthForBars = 60;

/** A table of what instances use, the greatest use first. */
export function topLines(rows: readonly Measured[], sort: TopSort, out: Pick<Terminal, "style" | "width">): string[] {
  const sorted = [...rows].sort((a, b) => weight(b, sort) - weight(a, sort) || byName(a, b));
  const title = (text: string): string => out.style("dim", text);
  const width = out.width();
  return [truncate(totals(rows), width), "", ...table(columns(out, width >= widthForBars), sorted, width, title)];
}

function totals(rows: readonly Measured[]): string {
  const cpu = sum(rows.map(({ sample }) => sample.cpuPercent));
  const memory = sum(rows.map(({ sample }) => sample.memoryBytes));
  return `${counted(rows.length, "instance")}  CPU ${percent(cpu)}  memory ${formatBytes(memory)}`;
}

const columns = ({ style }: Pick<Terminal, "style">, bars: boolean): Column<Measured>[] => [
  { title: "INSTANCE", cell: ({ sample }) => sample.instance, shrinkTo: 10 },
  {
    title: "CPU",
    cell: ({ sample }) =>
      `${percent(sample.cpuPercent).padStart(6)}${bars ? ` ${style("good", bar(sample.cpuPercent / 100, barColumns))}` : ""}`,
  },
  { title: "MEMORY", cell: ({ sample }) => memory(sample.memoryBytes, sample.memoryLimitBytes, style, bars) },
  {
    title: "DISK R/W",
    cell: (row) => pair(row.diskReadPerSecond, row.diskWrittenPerSecond),
    align: "right",
    dropAt: 2,
  },
  {
    title: "NET IN/OUT",
    cell: (row) => pair(row.networkReceivedPerSecond, row.networkSentPerSecond),
    align: "right",
    dropAt: 1,
  },
  { title: "PROCS", cell: ({ sample }) => count(sample.processes), align: "right", dropAt: 3 },
  { title: "FILES", cell: ({ sample }) => count(sample.openFiles), align: "right", dropAt: 6 },
  { title: "RESTARTS", cell: ({ sample }) => String(sample.restarts), align: "right", dropAt: 5 },
  { title: "UPTIME", cell: ({ sample }) => formatDuration(sample.uptimeMs), align: "right", dropAt: 4 },
];

/** Against the limit where there is one. */
function memory(bytes: number, limitBytes: number | null, style: Terminal["style"], bars: boolean): string {
  const text = formatBytes(bytes).padStart(7);
  if (limitBytes === null) return text;
  const share = bytes / limitBytes;
  const shown = bars ? ` ${style(share > 0.9 ? "bad" : "good", bar(share, barColumns))}` : "";
  return `${text}${shown} of ${formatBytes(limitBytes)}`;
}

const pair = (first: number | null, second: number | null): string => `${rate(first)} ${rate(second)}`;
const rate = (perSecond: number | null): string => (perSecond === null ? "-" : `${formatBytes(perSecond)}/s`);
const count = (value: number | null): string => (value === null ? "-" : String(value));
const percent = (value: number): string => `${value.toFixed(1)}%`;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const byName = (a: Measured, b: Measured): number =>
  a.sample.instance.localeCompare(b.sample.instance, "en", { numeric: true });

function weight(row: Measured, sort: TopSort): number {
  switch (sort) {
    case "cpu":
      return row.sample.cpuPercent;
    case "memory":
      return row.sample.memoryBytes;
    case "disk":
      return (row.diskReadPerSecond ?? 0) + (row.diskWrittenPerSecond ?? 0);
    case "network":
      return (row.networkReceivedPerSecond ?? 0) + (row.networkSentPerSecond ?? 0);
    case "instance":
      return 0;
  }
}
