import type { Command } from "commander";
import { ConstellationError, type LogLine } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { colorOfName } from "../terminal/style.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/width.ts";
import { logGap } from "../views/log-gap.ts";

interface Options {
  readonly follow?: boolean;
  readonly since?: string;
  readonly tail?: string;
  readonly instance?: string;
  readonly stream?: string;
  readonly timestamps?: boolean;
  readonly raw?: boolean;
  readonly json?: boolean;
}

/** `constellation logs [app|instance]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[name]", 'an app, or an instance like "web.1"; without it everything')
    .option("-f, --follow", "go on with lines to come")
    .option(
      "--since <time>",
      'how long ago ("5m"), or a time ("2026-11-21T10:00:00Z"; "2026-11-21 10:00" is that of this machine)',
    )
    .option("-n, --tail <lines>", "only the last lines")
    .option("--instance <name>", "only this instance")
    .option("--stream <stream>", "only stdout or stderr")
    .option("-t, --timestamps", "show when each line was written")
    .option("--raw", "leave places in scripts as they were written, in the bundle that runs")
    .option("--json", "print one JSON value a line")
    .action(async (name: string | undefined, options: Options) => {
      const instance = instanceOf(name, options.instance);
      const daemon = await client({ start: false });
      const app = instance === undefined ? name : (instance.split(".")[0] ?? instance);
      if (instance !== undefined) await daemon.instance(instance, { signal });
      const lines = daemon.logs(app, {
        instance,
        since: parseSince(options.since),
        tail: parseTail(options.tail),
        stream: parseStream(options.stream),
        follow: options.follow,
        sources: options.raw !== true && options.json !== true,
        signal,
      });
      for await (const line of lines) {
        out.line(options.json === true ? JSON.stringify(line) : lineText(line, out, options.timestamps === true));
        await out.room(signal);
      }
    });
}

/** The daemon gives no more at a time. */
const mostLines = 1_000_000;

/** The one instance that is meant, if any. */
function instanceOf(name: string | undefined, option: string | undefined): string | undefined {
  const named = name?.includes(".") === true ? name : undefined;
  if (option === undefined) return named;
  const [, app] = /^([^.]+)\.\d+$/.exec(option) ?? [];
  if (app === undefined) throw wrong("--instance", option, `the name of an instance, like "${name ?? "web"}.1"`);
  if (name === undefined || name === app || name === option) return option;
  throw new ConstellationError(
    "usage.invalid",
    `\`logs\` got ${name} and --instance ${option}, which is no instance of it`,
    { remedy: `Leave one of them away: \`constellation logs ${option}\`.` },
  );
}

function lineText(
  { instance, time, stream, text, gapBytes }: LogLine,
  { style }: Terminal,
  timestamps: boolean,
): string {
  const colored = style("dim", "x") !== "x";
  const stamp = timestamps ? `${style("dim", time)} ` : "";
  const shown = gapBytes === undefined ? printable(text) : style("warning", logGap({ time, gapBytes }));
  return `${stamp}${colorOfName(instance, colored)} ${style("dim", "|")} ${stream === "stderr" ? style("bad", shown) : shown}`;
}

/** Node would take much else for a time: "10" for October of 2001. */
const timeForm = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?))?$/;

/** A time without a zone, and the midnight that a day alone begins with, are those of this machine. */
function parseSince(text: string | undefined): Date | string | undefined {
  if (text === undefined || /^(\d+(\.\d+)?(ms|s|m|h|d) ?)+$/.test(text)) return text;
  const [, day, time = "00:00"] = timeForm.exec(text) ?? [];
  const date = new Date(day === undefined ? Number.NaN : `${day}T${time}`);
  if (!Number.isNaN(date.getTime())) return date;
  throw wrong("--since", text, 'a duration like "5m" or a time like "2026-11-21T10:00:00Z"');
}

function parseTail(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,7}$/.test(text) && Number(text) <= mostLines) return Number(text);
  throw wrong("--tail", text, `a whole number up to ${mostLines}`);
}

function parseStream(text: string | undefined): "stdout" | "stderr" | undefined {
  if (text === undefined || text === "stdout" || text === "stderr") return text;
  throw wrong("--stream", text, "stdout or stderr");
}

const wrong = (option: string, found: string, wanted: string): ConstellationError =>
  new ConstellationError("usage.invalid", `${option} is ${JSON.stringify(found)}, it must be ${wanted}`);
