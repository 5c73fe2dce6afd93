import type { Command } from "commander";
import { type CallOptions, type Constellation, ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { oneByOne } from "./one-by-one.ts";

/**
 * A command that does one thing to each app named, or to all of them. All names are checked before anything is done.
 *
 * @param mayBeGone whether it also knows what to do with apps that are gone; they come first, and say whether they ever were
 */
export function forEachApp(
  command: Command,
  { out, signal, client }: Context,
  done: string,
  act: (client: Constellation, app: string, options: CallOptions) => Promise<void>,
  mayBeGone: () => boolean = () => false,
): void {
  command
    .argument("[app...]", "names of apps")
    .option("--all", "every app")
    .option("--json", "print JSON")
    .action(async (names: readonly string[], { all, json }: { all?: boolean; json?: boolean }) => {
      if ((names.length === 0) === (all !== true))
        throw new ConstellationError("usage.invalid", `\`${command.name()}\` needs names of apps, or --all`, {
          remedy: "`constellation ps` lists what there is.",
        });
      const daemon = await client({ start: false });
      const there = (await daemon.apps({ signal })).map(({ name }) => name);
      const gone = [...new Set(names)].filter((name) => !there.includes(name));
      if (!mayBeGone()) await Promise.all(gone.map((app) => daemon.app(app, { signal })));
      const apps = all === true ? there : [...new Set([...gone, ...names])];
      await oneByOne(apps, { signal }, async (app) => {
        await act(daemon, app, { signal });
        if (json !== true) out.line(`${done} ${app}`);
      });
      if (json === true) out.line(JSON.stringify({ apps }));
    });
}
