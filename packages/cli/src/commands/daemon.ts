import type { Command, Option } from "commander";
import { ConstellationError, formatDuration } from "@constellation/contract";
import type { InitOptions } from "@constellation/sdk";
import { listRuns } from "@constellation/guard";
import type { Context } from "../context.ts";
import { daemonIsGone } from "../daemon/gone.ts";
import { installUnit } from "../daemon/install.ts";
import { runningDaemon } from "../daemon/running.ts";
import { guardedRunLines } from "../views/guarded-runs.ts";

type Network = Pick<InitOptions, "network">;

interface Json {
  readonly json?: boolean;
}

/** `constellation daemon start|stop|status|install` */
export function define(command: Command, context: Context): void {
  const { out, signal, client } = context;
  const part = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(`${summary}.`).option("--json", "print JSON");

  const start = part("start", "Start the daemon in the background");
  start.addOption(networkOption(start)).action(async ({ json, network }: Json & Network) => {
    const before = await runningDaemon(context);
    if (before !== null && network !== undefined)
      throw new ConstellationError(
        "state.conflict",
        `The daemon, pid ${before.pid}, runs already and keeps the network mode it was started with`,
        { remedy: "`constellation daemon stop` first; instances go on meanwhile." },
      );
    const version = before ?? (await (await client({ start: true, network })).version({ signal }));
    if (json === true) out.line(JSON.stringify({ started: before === null, daemon: version }));
    else
      out.line(
        before === null ? `Started the daemon, pid ${version.pid}` : `The daemon runs already, pid ${version.pid}`,
      );
  });

  part("stop", "Stop the daemon; instances go on unless asked")
    .option("--instances", "stop every instance too")
    .action(async ({ instances = false, json }: Json & { instances?: boolean }) => {
      const daemon = await client({ start: false });
      const { pid } = await daemon.version({ signal });
      await daemon.stopDaemon({ instances, signal });
      await daemonIsGone(daemon.places.socketPath, pid, signal);
      if (json === true) out.line(JSON.stringify({ stopped: pid, instances }));
      else out.line(`Stopped the daemon, pid ${pid}; instances ${instances ? "are stopped" : "go on"}`);
    });

  part("status", "Say whether the daemon runs").action(async ({ json }: Json) => {
    const daemon = await client({ start: false });
    const version = await daemon.version({ signal });
    const runs = (await listRuns(daemon.places.guardSocketPath)) ?? [];
    if (json === true) out.line(JSON.stringify({ ...version, socketPath: daemon.places.socketPath, runs }, null, 2));
    else
      for (const line of [
        `running   pid ${version.pid}, for ${formatDuration(Date.now() - version.startedAt)}`,
        `version   ${version.version} on Node ${version.node}`,
        `state     ${version.stateDirectory}`,
        `socket    ${daemon.places.socketPath}`,
        `log       ${daemon.places.daemonLogFile}`,
        ...guardedRunLines(runs, Date.now(), out),
      ])
        out.line(line);
  });

  const install = part("install", "Start the daemon with the machine (systemd)");
  install
    .option("--print", "only print the unit")
    .addOption(networkOption(install))
    .action(async ({ json, network, print = false }: Json & Network & { print?: boolean }) =>
      installUnit(context, { json: json === true, print, network }),
    );
}

function networkOption(command: Command): Option {
  const what = "prepare: let private networks reach the world (root; switches on forwarding and address translation)";
  return command.createOption("--network <mode>", what).choices(["as-is", "prepare"]);
}
