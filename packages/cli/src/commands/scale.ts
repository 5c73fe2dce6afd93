import { mostInstances } from "@constellation/contract";
import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";

/** `constellation scale web=5 [api=2]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("<app=number...>", 'what to scale, like "web=5"')
    .option("--json", "print JSON")
    .action(async (words: readonly string[], { json }: { json?: boolean }) => {
      const wanted = words.map(parse);
      const daemon = await client({ start: false });
      // All names are checked before anything is changed.
      const before = await Promise.all(wanted.map(({ app }) => daemon.app(app, { signal })));
      for (const [at, { app, instances }] of wanted.entries()) {
        await daemon.scale(app, instances, { signal });
        if (json !== true) out.line(`Scaling ${app} from ${before[at]?.spec.instances ?? 0} to ${instances}`);
      }
      if (json === true) out.line(JSON.stringify({ scaled: wanted }));
    });
}

function parse(word: string): { readonly app: string; readonly instances: number } {
  const [, app, instances] = /^([^=]+)=(\d+)$/.exec(word) ?? [];
  if (app !== undefined && Number(instances) > mostInstances)
    throw new ConstellationError(
      "usage.invalid",
      `\`scale\` got ${JSON.stringify(word)}, an app has at most ${mostInstances} instances`,
    );
  if (app !== undefined && instances !== undefined) return { app, instances: Number(instances) };
  throw new ConstellationError("usage.invalid", `\`scale\` got ${JSON.stringify(word)}, it needs an app and a number`, {
    remedy: "Write it like `constellation scale web=5`.",
  });
}
