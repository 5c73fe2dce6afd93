import { mostInstances } from "@constellation/contract";
import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { oneByOne } from "./one-by-one.ts";

/** `constellation scale web=5 [api=2]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("<app=number...>", 'what to scale, like "web=5"')
    .option("--json", "print JSON")
    .action(async (words: readonly string[], { json }: { json?: boolean }) => {
      const wanted = new Map(words.map(parse));
      const daemon = await client({ start: false });
      // All names are checked before anything is changed.
      const apps = await Promise.all([...wanted.keys()].map((app) => daemon.app(app, { signal })));
      const before = new Map(apps.map(({ name, spec }) => [name, spec.instances]));
      await oneByOne([...wanted.keys()], { signal }, async (app) => {
        const [from = 0, to = 0] = [before.get(app), wanted.get(app)];
        await daemon.scale(app, to, { signal });
        if (json !== true) out.line(from === to ? `${app} stays at ${to}` : `Scaling ${app} from ${from} to ${to}`);
      });
      const scaled = [...wanted].map(([app, instances]) => ({ app, instances }));
      if (json === true) out.line(JSON.stringify({ scaled }));
    });
}

function parse(word: string): [app: string, instances: number] {
  const [, app, instances] = /^([^=]+)=(\d+)$/.exec(word) ?? [];
  if (app !== undefined && Number(instances) > mostInstances)
    throw new ConstellationError(
      "usage.invalid",
      `\`scale\` got ${JSON.stringify(word)}, an app has at most ${mostInstances} instances`,
    );
  if (app !== undefined && instances !== undefined) return [app, Number(instances)];
  throw new ConstellationError("usage.invalid", `\`scale\` got ${JSON.stringify(word)}, it needs an app and a number`, {
    remedy: "Write it like `constellation scale web=5`.",
  });
}
