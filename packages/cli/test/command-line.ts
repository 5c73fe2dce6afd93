import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { Constellation } from "@constellation/sdk";
import { memoryHome, temporaryFolder } from "../../sdk/test/memory-home.ts";
import type { Context } from "../src/context.ts";
import { run } from "../src/run.ts";
import { styleFor } from "../src/terminal/style.ts";
import type { Terminal } from "../src/terminal/terminal.ts";

/** What one command line did. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder to work in and a daemon in memory of its own. */
export interface CommandLine {
  readonly folder: string;
  readonly home: string;
  readonly write: (path: string, text: string) => void;
  readonly run: (...argv: string[]) => Promise<Outcome>;
  /** Runs until `stop` has been called, as Ctrl-C would; `soFar` is what it wrote. */
  readonly interruptible: (...argv: string[]) => {
    readonly done: Promise<Outcome>;
    readonly stop: () => void;
    readonly soFar: () => { readonly out: string; readonly err: string };
    /** Takes no more of its output, as a pager that waits for a key does. */
    readonly stall: () => void;
  };
}

/** Runs command lines in this process: the same code as the command, with its own streams. */
export async function commandLine(): Promise<CommandLine> {
  const home = await memoryHome();
  const folder = temporaryFolder();
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const interruptible: CommandLine["interruptible"] = (...argv) => {
    const interruption = new AbortController();
    const [out, err] = [recorder(), recorder()];
    const context: Context = {
      out,
      err,
      signal: interruption.signal,
      exitCode: 0,
      client: (options) => new Constellation().init({ home, signal: interruption.signal, ...options }),
    };
    const done = run(argv, context).then((code) => ({ code, out: out.text(), err: err.text() }));
    return {
      done,
      stop: () => interruption.abort(),
      soFar: () => ({ out: out.text(), err: err.text() }),
      stall: out.stall,
    };
  };
  return {
    folder,
    home,
    write: (path, text) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    run: (...argv) => interruptible(...argv).done,
    interruptible,
  };
}

function recorder(): Terminal & { readonly text: () => string; readonly stall: () => void } {
  let text = "";
  let stalled = false;
  const write = (more: string): void => void (text += more);
  return {
    interactive: false,
    style: styleFor(false),
    width: () => Infinity,
    height: () => 24,
    write,
    line: (more = "") => write(`${more}\n`),
    outliveReader: () => undefined,
    room: async (signal) => {
      if (stalled && !signal.aborted) await once(signal, "abort");
    },
    text: () => text,
    stall: () => void (stalled = true),
  };
}

/** Two instances of a web app, brought up from a spec. */
export const webSpec = `import { app } from "constellation";
export default app({ name: "web", script: "./server.ts", instances: 2, port: 8080 });`;

/** A command line with {@link webSpec} and what it runs, brought up. */
export async function withWeb(): Promise<CommandLine> {
  const line = await commandLine();
  line.write("deploy.ts", webSpec);
  line.write("server.ts", "console.log(1 as number);");
  expect(await line.run("up")).toMatchObject({ code: 0, err: "" });
  return line;
}
