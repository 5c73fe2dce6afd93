import { formatBytes, formatDuration, type InstanceDetails } from "@constellation/contract";
import { table } from "../terminal/table.ts";
import type { Meaning } from "../terminal/style.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { onOneLine, printable } from "../terminal/width.ts";
import { describeState, pidOf } from "./state.ts";

const meanings: Record<InstanceDetails["measures"][number]["state"], Meaning> = {
  on: "good",
  partial: "warning",
  off: "dim",
  missing: "bad",
};

/** Everything known of one instance. */
export function instanceLines(
  instance: InstanceDetails,
  out: Pick<Terminal, "style" | "width">,
  nowMs: number,
): string[] {
  const { style } = out;
  const { text, meaning } = describeState(instance.state, nowMs);
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", style("strong", title), ...lines];
  return [
    `${style("strong", instance.name)}  ${style(meaning, text)}`,
    `${style("dim", "pid")} ${pidOf(instance.state)}  ${style("dim", "revision")} ${instance.revision}  ${style("dim", "restarts")} ${instance.restarts}  ${style("dim", "driver")} ${instance.driver}  ${style("dim", "start")} ${instance.start ?? "-"}  ${style("dim", "run")} ${instance.runId ?? "-"}`,
    ...section(
      "Ports",
      instance.ports.map(({ name, url, mode }) => `${name}  ${style("link", url)}  ${mode}`),
    ),
    ...section("Protection and limits", measures(instance, out)),
    ...section("Processes", processes(instance, out)),
    ...section("Environment", environment(instance)),
    ...section("Files", files(instance)),
    ...section(
      "History",
      instance.history.map(
        ({ at, text: what }) => `${style("dim", `${formatDuration(Math.max(0, nowMs - at))} ago`)}  ${printable(what)}`,
      ),
    ),
  ];
}

function measures({ measures: rows }: InstanceDetails, { style, width }: Pick<Terminal, "style" | "width">): string[] {
  if (rows.length === 0) return [];
  return table<(typeof rows)[number]>(
    [
      { title: "NAME", cell: ({ name }) => name },
      { title: "STATE", cell: ({ state }) => style(meanings[state], state) },
      { title: "DETAIL", cell: ({ detail }) => detail, shrinkTo: 20, wraps: true },
    ],
    rows,
    width(),
    (title) => style("dim", title),
  );
}

function processes(
  { processes: rows }: InstanceDetails,
  { style, width }: Pick<Terminal, "style" | "width">,
): string[] {
  if (rows.length === 0) return [];
  return table<(typeof rows)[number]>(
    [
      { title: "PID", cell: ({ pid }) => String(pid), align: "right" },
      { title: "PARENT", cell: ({ parent }) => String(parent), align: "right" },
      { title: "STATE", cell: ({ state }) => state },
      { title: "MEMORY", cell: ({ memoryBytes }) => formatBytes(memoryBytes), align: "right" },
      { title: "COMMAND", cell: ({ command }) => onOneLine(command), shrinkTo: 20 },
    ],
    rows,
    width(),
    (title) => style("dim", title),
  );
}

const environment = ({ environment: values }: InstanceDetails): string[] =>
  Object.entries(values).map(([name, value]) => `${name}=${printable(value)}`);

const files = ({ logFile, dataFolder }: InstanceDetails): string[] => [
  ...(logFile === null ? [] : [`log   ${logFile}`]),
  ...(dataFolder === null ? [] : [`data  ${dataFolder}`]),
];
