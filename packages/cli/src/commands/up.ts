import { resolve } from "node:path";
import type { Command } from "commander";
import type { Change } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { bringUp } from "../spec/bring-up.ts";
import { findSpec } from "../spec/find.ts";
import { readSpecs } from "../spec/read.ts";
import { upAgain } from "../spec/watch.ts";

interface Options {
  readonly wait: boolean;
  readonly watch?: boolean;
  readonly prune?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `constellation up [file]` */
export function define(command: Command, context: Context): void {
  command
    .argument("[file]", "TypeScript, JavaScript or JSON file; without it constellation.ts or deploy.ts")
    .option("--no-wait", "do not wait until everything is healthy")
    .option("--watch", "do it again whenever the file or a script changes")
    .option("--prune", "remove apps that came from this file and are not in it any more; data and logs stay")
    .option("--timeout <duration>", "how long to wait", "60s")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, options: Options) => {
      const path = findSpec(file, process.cwd());
      if (options.watch === true)
        await upAgain(context, path, (uses) => up(context, path, options, uses), options.json === true);
      else await up(context, path, options);
    });
}

async function up(
  context: Context,
  file: string,
  options: Options,
  uses?: (files: readonly string[]) => void,
): Promise<void> {
  const { apps, source, folder, inputs } = await readSpecs(file, context);
  uses?.([...inputs, ...apps.flatMap(({ script }) => (typeof script === "string" ? [resolve(folder, script)] : []))]);
  const apply = async (bundled: (files: readonly string[]) => void): Promise<readonly Change[]> => {
    const client = await context.client({ start: true });
    const { prune } = options;
    const onBundled = (files: readonly string[]): void => {
      uses?.(files);
      bundled(files);
    };
    return client.apply(apps, { folder, source, prune, signal: context.signal, onBundled });
  };
  await bringUp(context, apply, options);
}
