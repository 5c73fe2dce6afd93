import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { findSpec } from "../spec/find.ts";
import { readSpecs } from "../spec/read.ts";
import { oneByOne } from "./one-by-one.ts";

interface Options {
  readonly all?: boolean;
  readonly data?: boolean;
  readonly json?: boolean;
  readonly prune?: boolean;
}

const isNotFound = (error: unknown): boolean => error instanceof ConstellationError && error.code === "app.not-found";

/** `constellation down [file]` */
export function define(command: Command, { out, signal, client }: Context): void {
  command
    .argument("[file]", "TypeScript, JavaScript or JSON file; without it constellation.ts or deploy.ts")
    .option("--data", "delete the data folders and logs too, also those of apps that are gone")
    .option("--prune", "also apps that came from the file and are not in it any more")
    .option("--all", "every app, whatever file it came from")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, { all, data, json, prune }: Options) => {
      if (all === true && file !== undefined)
        throw new ConstellationError(
          "usage.invalid",
          `\`down\` got both --all and the file ${file}; it takes one of them`,
        );
      const daemon = await client({ start: false });
      const apps = await daemon.apps({ signal });
      const there = apps.map(({ name }) => name);
      const spec = all === true ? null : await readSpecs(findSpec(file, process.cwd()), { signal });
      // In the opposite order of the file, so that what others depend on goes last.
      const described = spec === null ? there : spec.apps.map(({ name }) => name).toReversed();
      const orphans = apps.filter(({ name, source }) => source === spec?.source && !described.includes(name));
      const names = [...(prune === true ? orphans.map(({ name }) => name) : []), ...described];
      const erase = data === true;
      const removed: string[] = [];
      const wanted = erase ? names : names.filter((name) => there.includes(name));
      await oneByOne(wanted, { signal }, async (name) => {
        try {
          await daemon.remove(name, { erase, signal });
        } catch (error) {
          if (!there.includes(name) && isNotFound(error)) return;
          throw error;
        }
        removed.push(name);
        if (json !== true) out.line(`Removed ${name}`);
      });
      const left = prune === true ? [] : orphans.map(({ name }) => name);
      if (json === true) out.line(JSON.stringify({ removed, orphaned: left }));
      else if (removed.length === 0) out.line("Nothing to remove.");
      if (json !== true)
        for (const name of left)
          out.line(`${out.style("warning", "!")} ${name}  came from this file and is not in it any more; it goes on`);
    });
}
