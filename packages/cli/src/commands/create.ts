import type { Command } from "commander";
import { type AppInput, type Change, ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { bringUp } from "../spec/bring-up.ts";

interface Options {
  readonly name: string;
  readonly script?: string;
  readonly instances?: number;
  readonly port?: number;
  readonly cpu?: number;
  readonly memory?: string;
  readonly pids?: number;
  readonly disk?: string;
  readonly network?: string;
  readonly env?: readonly string[];
  readonly health?: string;
  readonly restart?: "always" | "on-failure" | "never";
  readonly wait: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `constellation create --name=hello --script=hello.ts` */
export function define(command: Command, context: Context): void {
  command
    .argument("[command...]", "program and arguments, after --, instead of --script")
    .requiredOption("--name <name>", "name of the app")
    .option("--script <file>", "TypeScript or JavaScript file")
    .option("--instances <number>", "how many", wholeNumber("--instances"))
    .option("--port <number>", "public port that all instances serve together", wholeNumber("--port"))
    .option("--cpu <cores>", "CPU quota of one instance, 0.5 is half a core", decimal("--cpu"))
    .option("--memory <size>", 'memory limit of one instance, like "256MB"')
    .option("--pids <number>", "most processes and threads", wholeNumber("--pids"))
    .option("--disk <size>", 'quota of the data folder, like "1GB"')
    .option("--network <rate>", 'bandwidth, like "50Mbit"')
    .option("--env <NAME=value>", "environment variable, repeatable", collect)
    .option("--health <path>", 'HTTP path to probe, like "/healthz"')
    .option("--restart <policy>", "always, on-failure or never")
    .option("--no-wait", "do not wait until it is healthy")
    .option("--timeout <duration>", "how long to wait", "60s")
    .option("--json", "print JSON")
    .action(async (words: readonly string[], options: Options) => {
      const spec = toSpec(words, options);
      const apply = async (onBundled: (files: readonly string[]) => void): Promise<readonly Change[]> => {
        const client = await context.client({ start: true });
        return client.create(spec, { folder: process.cwd(), signal: context.signal, onBundled });
      };
      await bringUp(context, apply, options);
    });
}

function toSpec(words: readonly string[], options: Options): AppInput {
  const { name, script, instances, port, cpu, memory, pids, disk, network, env = [], health, restart } = options;
  const resources = given({ cpu, memory, pids, disk, network });
  return {
    name,
    ...given({ script, instances, port, restart }),
    ...(words.length === 0 ? {} : { command: [...words] }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env.map(variable)) }),
    ...(health === undefined ? {} : { health: { http: health } }),
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The settings that were given. */
const given = <T extends object>(settings: T): Given<T> =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Given<T>;

function variable(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw wrong("--env", text, "NAME=value");
  return [text.slice(0, at), text.slice(at + 1)];
}

const wholeNumber =
  (option: string) =>
  (text: string): number => {
    if (!/^\d+$/.test(text)) throw wrong(option, text, "a whole number");
    return Number(text);
  };

const decimal =
  (option: string) =>
  (text: string): number => {
    if (!/^(\d+(\.\d*)?|\.\d+)$/.test(text)) throw wrong(option, text, 'a number like "0.5"');
    return Number(text);
  };

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

const wrong = (option: string, found: string, wanted: string): ConstellationError =>
  new ConstellationError("usage.invalid", `${option} is ${JSON.stringify(found)}, it must be ${wanted}`, {
    remedy: "See `constellation create --help`.",
  });
