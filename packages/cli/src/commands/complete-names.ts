import type { Command } from "commander";
import type { Context } from "../context.ts";

const askMs = 1000;

/** `constellation __complete apps|instances|names`: names for completion scripts, one a line; nothing when no daemon answers. */
export function define(command: Command, { out, client }: Context): void {
  command.argument("<what>").action(async (what: string) => {
    try {
      const daemon = await client({ start: false });
      const { apps, instances } = await daemon.snapshot({ signal: AbortSignal.timeout(askMs) });
      if (what !== "instances") for (const { name } of apps) out.line(name);
      if (what !== "apps") for (const { name } of instances) out.line(name);
    } catch {
      // A shell that completes a word has no place for an error.
    }
  });
}
