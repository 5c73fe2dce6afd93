import { constants } from "node:os";
import type { Command } from "commander";
import { ConstellationError, type Exec } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { attachInput } from "../terminal/attach-input.ts";
import { onFirstInstance } from "./first-instance.ts";

interface Options {
  readonly interactive?: boolean;
  readonly tty?: boolean;
}

/** `constellation exec [-it] <instance> [--] <command...>` */
export function define(command: Command, context: Context): void {
  command
    .argument("<instance>", 'an instance like "web.1"; an app means its first one')
    .argument("<command...>", "program and arguments")
    .option("-i, --interactive", "pass standard input on")
    .option("-t, --tty", "give the program a terminal")
    .passThroughOptions()
    .action(async (name: string, argv: readonly string[], options: Options) => {
      const words = argv[0] === "--" ? argv.slice(1) : argv;
      const tty = options.tty === true;
      if (tty && !process.stdin.isTTY)
        throw new ConstellationError("usage.invalid", "exec -t needs a terminal as its standard input", {
          remedy: "Leave -t away.",
        });
      const daemon = await context.client({ start: false });
      context.exitCode = await onFirstInstance(daemon, name, context.signal, async (instance) => {
        const exec = await begin(context.signal, (signal) =>
          daemon.exec(instance, words, { tty, ...terminalSize(), signal }),
        );
        return attach(exec, context, { tty, interactive: options.interactive === true });
      });
    });
}

/** Ctrl-C gives up a connection that is being made; once the program runs it goes to the program. */
async function begin(signal: AbortSignal, connect: (signal: AbortSignal) => Promise<Exec>): Promise<Exec> {
  const connecting = new AbortController();
  const giveUp = (): void => connecting.abort();
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await connect(connecting.signal);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Without a terminal the daemon's own default applies. */
function terminalSize(): { columns?: number; rows?: number } {
  const { isTTY, columns, rows } = process.stdout;
  return isTTY ? { columns, rows } : {};
}

/** Connects the program to this process until it ends; gives its exit code, 128 and the number of the signal that ended it. */
async function attach(
  exec: Exec,
  { signal }: Context,
  { tty, interactive }: { tty: boolean; interactive: boolean },
): Promise<number> {
  const interrupt = (): void => exec.signal(constants.signals.SIGINT);
  signal.addEventListener("abort", interrupt, { once: true });
  const detach = interactive ? attachInput(exec, tty) : () => undefined;
  if (!interactive) exec.endInput();
  try {
    for await (const { stream, bytes } of exec.output)
      await write(stream === "stdout" ? process.stdout : process.stderr, bytes);
    const { code, signal: number } = await exec.exit;
    return number === null ? (code ?? 1) : 128 + number;
  } finally {
    detach();
    signal.removeEventListener("abort", interrupt);
  }
}

/** A slow reader of ours slows the program. */
const write = (stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    stream.write(bytes, () => resolve());
  });
