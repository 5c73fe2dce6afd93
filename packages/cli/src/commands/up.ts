import type { Command } from "commander";
import { type Change, loadApps } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { bringUp } from "../spec/bring-up.ts";
import { findSpec } from "../spec/find.ts";

interface Options {
  readonly wait: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** `constellation up [file]` */
export function define(command: Command, context: Context): void {
  command
    .argument("[file]", "TypeScript, JavaScript or JSON file; without it constellation.ts or deploy.ts")
    .option("--no-wait", "do not wait until everything is healthy")
    .option("--timeout <duration>", "how long to wait", "60s")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, options: Options) => {
      const { apps, folder } = await loadApps(findSpec(file, process.cwd()));
      const apply = async (): Promise<readonly Change[]> => {
        const client = await context.client({ start: true });
        return client.apply(apps, { folder, signal: context.signal });
      };
      await bringUp(context, apply, options);
    });
}
