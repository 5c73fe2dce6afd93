import type { Command } from "commander";
import { ConstellationError, type Event } from "@constellation/sdk";
import type { Context } from "../context.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describeEvent } from "../views/event.ts";

interface Options {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly json?: boolean;
}

/** `constellation events [app]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[app]", "only this app")
    .option("-f, --follow", "go on with events to come")
    .option("-n, --tail <events>", "only the last ones")
    .option("--json", "print one JSON value a line")
    .action(async (app: string | undefined, { follow, tail, json }: Options) => {
      if (tail !== undefined && !/^\d{1,5}$/.test(tail))
        throw new ConstellationError("usage.invalid", `--tail is ${JSON.stringify(tail)}, it must be a whole number`);
      const daemon = await client({ start: false });
      if (app !== undefined && follow !== true) await daemon.app(app, { signal });
      const events = daemon.events({ app, follow, tail: tail === undefined ? undefined : Number(tail), signal });
      for await (const event of events) {
        out.line(json === true ? JSON.stringify(event) : eventLine(event, out));
        await out.room(signal);
      }
    });
}

function eventLine(event: Event, { style }: Terminal): string {
  const { subject, text, meaning } = describeEvent(event);
  return `${style("dim", new Date(event.at).toISOString())}  ${subject}  ${style(meaning, text)}`;
}
