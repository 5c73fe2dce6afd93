import type { Command } from "commander";
import { formatDuration } from "@constellation/contract";
import type { Context } from "../context.ts";
import { daemonIsGone } from "../daemon/gone.ts";
import { installUnit } from "../daemon/install.ts";
import { runningDaemon } from "../daemon/running.ts";

interface Json {
  readonly json?: boolean;
}

/** `constellation daemon start|stop|status|install` */
export function define(command: Command, context: Context): void {
  const { out, signal, client } = context;
  const part = (name: string, summary: string): Command =>
    command.command(name).summary(summary).description(`${summary}.`).option("--json", "print JSON");

  part("start", "Start the daemon in the background").action(async ({ json }: Json) => {
    const before = await runningDaemon(context);
    const version = before ?? (await (await client({ start: true })).version({ signal }));
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
    if (json === true) out.line(JSON.stringify({ ...version, socketPath: daemon.places.socketPath }, null, 2));
    else
      for (const line of [
        `running   pid ${version.pid}, for ${formatDuration(Date.now() - version.startedAt)}`,
        `version   ${version.version} on Node ${version.node}`,
        `state     ${version.stateDirectory}`,
        `socket    ${daemon.places.socketPath}`,
        `log       ${daemon.places.daemonLogFile}`,
      ])
        out.line(line);
  });

  part("install", "Start the daemon with the machine (systemd)")
    .option("--print", "only print the unit")
    .action(async ({ json, print = false }: Json & { print?: boolean }) =>
      installUnit(context, { json: json === true, print }),
    );
}
