import { accessSync, closeSync, constants, openSync, readSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { ResolvedRun } from "../driver/start-request.ts";
import type { ScriptProgram } from "./script-program.ts";

/** Where Bun is looked for. */
export interface BunPlace {
  /** The app's folder, and whatever lies above it. */
  readonly folder: string | null;
  /** Folders of programs, first one first. */
  readonly path: readonly string[];
}

/**
 * The command that runs an artifact on Bun: that of the app's own packages (npm package `bun`), or one of the machine.
 *
 * @throws ConstellationError `instance.start-failed` when there is none
 */
export function bunProgram(
  run: ResolvedRun & { readonly kind: "script" },
  place: BunPlace,
  instance: string,
): ScriptProgram {
  const bun = findBun(place);
  if (bun === null)
    throw new ConstellationError(
      "instance.start-failed",
      `Cannot start ${instance}: its runtime is "bun", which is neither in ${place.folder ?? "its folder"} nor in ${place.path.join(":")}`,
      { remedy: "Run `npm install bun` in the app's folder, install Bun on this machine, or use runtime: 'node'." },
    );
  return { argv: [bun, run.file, ...run.args], readable: [bun, run.file] };
}

function findBun({ folder, path }: BunPlace): string | null {
  const platform = `${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
  const packages = parentsOf(folder).map((parent) => join(parent, "node_modules"));
  const candidates = [
    // Without its install script the package holds a note in the program's place; the program is in its companion then.
    ...packages.flatMap((modules) => [
      join(modules, "bun/bin/bun.exe"),
      join(modules, `@oven/bun-${platform}/bin/bun`),
    ]),
    ...path.map((each) => join(each, "bun")),
  ];
  for (const candidate of candidates) if (isProgram(candidate)) return realpathSync(candidate);
  return null;
}

function parentsOf(folder: string | null): string[] {
  if (folder === null) return [];
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...parentsOf(parent)];
}

/** ELF, and executable. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(4);
      readSync(file, head, 0, 4, 0);
      return head.toString("latin1") === "\u007fELF";
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
