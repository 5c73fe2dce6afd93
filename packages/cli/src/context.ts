import { exitCodes } from "@constellation/contract";
import type { Constellation, InitOptions } from "@constellation/sdk";
import { interruption } from "./interruption.ts";
import { type Terminal, terminal } from "./terminal/terminal.ts";

/** What a command works with. */
export interface Context {
  /** Standard output. */
  readonly out: Terminal;
  /** Standard error. */
  readonly err: Terminal;
  /** Aborted by the first Ctrl-C; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** What the process ends with when nothing fails; `exec` sets that of its program. */
  exitCode: number;
  /**
   * A client of the daemon. Commands that bring something to life start a daemon, the others ask the one that is there.
   * Ctrl-C ends the waiting for a start, unless another `signal` is given.
   */
  readonly client: (
    options: Pick<InitOptions, "network" | "home" | "signal"> & { readonly start: boolean },
  ) => Promise<Constellation>;
}

/** The context of a real run. */
export function processContext(): Context {
  const signal = interruption();
  return {
    out: terminal(process.stdout, process.env),
    err: terminal(process.stderr, process.env),
    signal,
    exitCode: exitCodes.ok.code,
    client: async (options) => {
      // Help and mistakes need no client, and loading HTTP takes time.
      const { Constellation: Client } = await import("./client.ts");
      return new Client().init({ signal, ...options });
    },
  };
}
