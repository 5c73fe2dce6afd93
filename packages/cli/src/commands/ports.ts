import type { Command } from "commander";
import { freePort, listPorts, type UsedPort } from "@constellation/guard";
import { ConstellationError } from "@constellation/contract";
import type { Context } from "../context.ts";
import { table } from "../terminal/table.ts";
import { onOneLine } from "../terminal/width.ts";

/** `constellation ports [--free PORT]` */
export function define(command: Command, { out }: Context): void {
  command
    .option("--free <port>", "end what listens there, if a guarded run started it")
    .option("--json", "print JSON")
    .action(async ({ free, json }: { free?: string; json?: boolean }) => {
      if (free !== undefined) return freeOne(portNumber(free), json === true, out);
      const ports = listPorts();
      if (json === true) out.line(JSON.stringify(ports, null, 2));
      else for (const line of portLines(ports, out)) out.line(line);
    });
}

async function freeOne(port: number, json: boolean, out: Context["out"]): Promise<void> {
  const outcome = await freePort(port);
  if (outcome.kind === "foreign") throw refused(port, outcome.owners);
  if (outcome.kind === "stuck")
    throw new ConstellationError(
      "port.in-use",
      `Port ${port} is still held by pid ${outcome.pids.join(", ")} after SIGKILL`,
    );
  if (json) out.line(JSON.stringify({ port, ...outcome }));
  else
    out.line(
      outcome.kind === "free"
        ? `Nobody listens on port ${port}.`
        : `Freed port ${port}: ended pid ${outcome.pids.join(", ")}.`,
    );
}

function refused(port: number, owners: UsedPort["owners"]): ConstellationError {
  const who = owners.map(({ pid, command }) => `pid ${pid} (${command})`).join(", ");
  return new ConstellationError(
    "port.in-use",
    who === ""
      ? `Port ${port} was left alone: its owner cannot be seen from here`
      : `Port ${port} was left alone: ${who} was not started by a guarded run`,
    {
      remedy: who === "" ? "Run as the user who owns it, or as root." : "Stop it yourself if it is yours.",
      details: { port, owners },
    },
  );
}

function portLines(ports: readonly UsedPort[], { width, style }: Context["out"]): string[] {
  const columns = [
    { title: "PORT", cell: ({ port }: UsedPort) => String(port) },
    { title: "ADDRESS", cell: ({ address }: UsedPort) => address },
    { title: "PID", cell: ({ owners }: UsedPort) => owners.map(({ pid }) => pid).join(", ") || "?" },
    {
      title: "GUARDED RUN",
      cell: ({ owners }: UsedPort) => owners.find(({ run }) => run !== undefined)?.run?.slice(0, 8) ?? "–",
    },
    { title: "COMMAND", cell: ({ owners }: UsedPort) => onOneLine(owners[0]?.command ?? ""), shrinkTo: 20 },
  ];
  return table(columns, ports, width(), (text) => style("dim", text));
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new ConstellationError("usage.invalid", `Cannot free port "${text}": wanted a number from 1 to 65535`);
}
