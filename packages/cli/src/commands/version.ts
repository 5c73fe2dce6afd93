import type { Command } from "commander";
import type { Context } from "../context.ts";
import { runningDaemon } from "../daemon/running.ts";
import { cliVersion } from "../version.ts";

/** `constellation version` */
export function define(command: Command, context: Context): void {
  const { out } = context;
  command.option("--json", "print JSON").action(async ({ json }: { json?: boolean }) => {
    const daemon = await runningDaemon(context);
    if (json === true) {
      out.line(JSON.stringify({ version: cliVersion, node: process.version, daemon }, null, 2));
      return;
    }
    out.line(`constellation  ${cliVersion}`);
    out.line(`node           ${process.version}`);
    out.line(
      `daemon         ${daemon === null ? "not running" : `${daemon.version} on ${daemon.node}, pid ${daemon.pid}`}`,
    );
  });
}
