import type { Command } from "commander";
import { formatBytes } from "@constellation/contract";
import type { Constellation, NodeInfo } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { withDaemon } from "../daemon/with-daemon.ts";
import type { Meaning } from "../terminal/style.ts";
import { table } from "../terminal/table.ts";

/** `constellation doctor` */
export function define(command: Command, context: Context): void {
  command.option("--json", "print JSON").action(async ({ json }: { json?: boolean }) => {
    const report = await withDaemon(context, async (daemon: Constellation, startedForThis) => ({
      node: await daemon.node({ signal: context.signal }),
      version: await daemon.version({ signal: context.signal }),
      startedForThis,
    }));
    if (json === true) context.out.line(JSON.stringify({ ...report.node, daemon: report.version }, null, 2));
    else for (const line of doctorLines(report.node, report.startedForThis, context)) context.out.line(line);
  });
}

const signs: Record<NodeInfo["features"][number]["state"], { readonly sign: string; readonly meaning: Meaning }> = {
  available: { sign: "✔", meaning: "good" },
  partial: { sign: "!", meaning: "warning" },
  missing: { sign: "✖", meaning: "bad" },
};

function doctorLines(node: NodeInfo, startedForThis: boolean, { out }: Context): string[] {
  const { style } = out;
  const columns = [
    { title: "", cell: ({ state }: Feature) => style(signs[state].meaning, signs[state].sign) },
    { title: "FEATURE", cell: ({ name }: Feature) => name },
    {
      title: "FOUND",
      cell: ({ detail, remedy }: Feature) => (remedy === null ? detail : `${detail} — ${remedy}`),
      shrinkTo: 20,
      wraps: true,
    },
  ];
  const lacking = node.features.filter(({ state }) => state !== "available").length;
  return [
    `${style("strong", node.name)}  ${node.platform}, ${node.cpus} CPUs, ${formatBytes(node.memoryBytes)} memory, ${formatBytes(node.memoryAvailableBytes)} free`,
    "",
    ...table(columns, node.features, out.width(), (text) => style("dim", text)),
    "",
    lacking === 0
      ? style("good", "Everything is there.")
      : `${lacking} of ${node.features.length} features are not fully there.`,
    ...(startedForThis ? [style("dim", "No daemon ran; one was started for this and stopped again.")] : []),
  ];
}

type Feature = NodeInfo["features"][number];
