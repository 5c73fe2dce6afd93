import type { Command } from "commander";
import { ConstellationError, loadApps } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { findSpec } from "../spec/find.ts";

/** `constellation down [file]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[file]", "TypeScript, JavaScript or JSON file; without it constellation.ts or deploy.ts")
    .option("--data", "delete the data folders and logs too")
    .option("--all", "every app, whatever file it came from")
    .option("--json", "print JSON")
    .action(
      async (file: string | undefined, { all, data, json }: { all?: boolean; data?: boolean; json?: boolean }) => {
        if (all === true && file !== undefined)
          throw new ConstellationError(
            "usage.invalid",
            `\`down\` got both --all and the file ${file}; it takes one of them`,
          );
        const daemon = await client({ start: false });
        const there = (await daemon.apps({ signal })).map(({ name }) => name);
        const described = all === true ? there : await namesIn(findSpec(file, process.cwd()));
        const removed = described.filter((name) => there.includes(name));
        for (const name of removed) {
          await daemon.remove(name, { erase: data === true, signal });
          if (json !== true) out.line(`Removed ${name}`);
        }
        if (json === true) out.line(JSON.stringify({ removed }));
        else if (removed.length === 0) out.line("Nothing to remove.");
      },
    );
}

/** In the opposite order of the file, so that what others depend on goes last. */
async function namesIn(file: string): Promise<string[]> {
  const { apps } = await loadApps(file);
  return apps.map(({ name }) => name).toReversed();
}
