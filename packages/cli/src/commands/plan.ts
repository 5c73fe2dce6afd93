import type { Command } from "commander";
import type { Context } from "../context.ts";
import { findSpec } from "../spec/find.ts";
import { readSpecs } from "../spec/read.ts";
import { changeLines } from "../views/changes.ts";

/** `constellation plan [file]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[file]", "TypeScript, JavaScript or JSON file; without it constellation.ts or deploy.ts")
    .option("--prune", "as for `up --prune`")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, { json, prune }: { json?: boolean; prune?: boolean }) => {
      const { apps, source, folder } = await readSpecs(findSpec(file, process.cwd()), { signal });
      const changes = await (
        await client({ start: true })
      ).apply(apps, { folder, source, prune, dryRun: true, signal });
      if (json === true) out.line(JSON.stringify({ changes }, null, 2));
      else for (const line of changeLines(changes, out)) out.line(line);
    });
}
