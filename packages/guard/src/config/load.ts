import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { GlobalConfig, GuardConfig } from "./schema.ts";

/** The names of a project's file, in the order in which they are looked for. */
export const configFiles = ["ts", "mts", "js", "mjs", "json", "yaml", "yml"].map(
  (ending) => `constellation.test.${ending}`,
);

const globalFiles = ["daemon.json", "daemon.yaml", "daemon.yml"];

/** Where a machine's settings lie: `$CONSTELLATION_CONFIG`, else /etc/constellation. */
export function globalConfigFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return environment["CONSTELLATION_CONFIG"] || "/etc/constellation";
}

/**
 * Reads a project's settings; none is no failure. `importModule` loads a TypeScript or JavaScript file and gives its default
 * export. Parsers are loaded only when there is something to parse: they take more memory than the guard.
 *
 * @throws ConstellationError spec.unreadable, spec.invalid
 */
export async function loadGuardConfig(
  root: string,
  importModule: (path: string) => Promise<unknown>,
): Promise<{ readonly path: string | undefined; readonly config: GuardConfig }> {
  const path = configFiles.map((name) => join(root, name)).find((each) => existsSync(each));
  if (path === undefined) return { path, config: {} };
  const value = await read(path, importModule);
  const { parseGuardConfig } = await import("./schema.ts");
  return { path, config: parseGuardConfig(value, path) };
}

/** Reads a machine's settings from a folder; none is no failure. @throws ConstellationError spec.unreadable, spec.invalid */
export async function loadGlobalConfig(
  folder: string = globalConfigFolder(),
): Promise<{ readonly path: string | undefined; readonly config: GlobalConfig }> {
  const path = globalFiles.map((name) => join(folder, name)).find((each) => existsSync(each));
  if (path === undefined) return { path, config: {} };
  const value = await read(path, () => Promise.reject(new Error("it is no JSON or YAML")));
  const { parseGlobalConfig } = await import("./schema.ts");
  return { path, config: parseGlobalConfig(value, path) };
}

/** A project's settings over those of the machine, group by group. */
export function layered(machine: GuardConfig | undefined, project: GuardConfig): GuardConfig {
  if (machine === undefined) return project;
  const both = { ...machine, ...project };
  const thresholds = { ...machine.thresholds, ...project.thresholds };
  return {
    ...both,
    thresholds,
    checkpoint: { ...machine.checkpoint, ...project.checkpoint },
    cleanup: { ...machine.cleanup, ...project.cleanup },
  };
}

async function read(path: string, importModule: (path: string) => Promise<unknown>): Promise<unknown> {
  try {
    const ending = extname(path);
    if (ending === ".json") return JSON.parse(readFileSync(path, "utf8"));
    if (ending !== ".yaml" && ending !== ".yml") return await importModule(path);
    const { parseYaml } = await import("./yaml.ts");
    return parseYaml(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConstellationError(
      "spec.unreadable",
      `Cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
