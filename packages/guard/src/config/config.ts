import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { ConstellationError, parseBytes, parseDuration } from "@constellation/contract";
import { parse as parseYaml } from "yaml";
import * as z from "zod";

const durationMs = z.union([z.number().nonnegative(), z.string()]).transform((value, context) => {
  try {
    return typeof value === "number" ? value * 1000 : parseDuration(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

const threshold = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    return parseThreshold(value);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

/** What `constellation.test.{ts,json,yaml}` may say. Durations are "10s" or seconds; every key can be left out. */
export const guardConfigSchema = z.strictObject({
  /** Look at the machine and stop in time. @default as the command line says */
  selfProtect: z.boolean().optional(),
  /** auto, node-test, vitest, jest, mocha, pytest, tap. @default "auto" */
  framework: z.string().optional(),
  /** Guards this shell command instead of a framework. */
  command: z.string().optional(),
  thresholds: z
    .strictObject({
      /** "80%" of the nearest bound, or "6GB" of the run's own memory. Lower stops earlier. @default "80%" */
      memory: threshold.optional(),
      /** Percent of all CPUs, 1 to 100. @default 80 */
      cpu: z.number().min(1).max(100).optional(),
      /** What CPU above its threshold does: `shed` takes a worker away, `stop` drains, `ignore` nothing. @default "shed" */
      cpuAction: z.enum(["shed", "stop", "ignore"]).optional(),
    })
    .optional(),
  /** How long all of it may take; 0: for ever. @default "1h" */
  timeout: durationMs.optional(),
  /** How long tests that run may take to finish when the run drains. @default "10s" */
  grace: durationMs.optional(),
  /** Files or workers at a time; 1 or more. @default the cores */
  jobs: z.int().min(1).optional(),
  checkpoint: z
    .strictObject({
      /** Folder of the journal, from the project's. @default ".constellation/test" */
      path: z.string().min(1).optional(),
    })
    .optional(),
  cleanup: z
    .strictObject({
      /** Stop containers that carry the run's label. @default true */
      containers: z.boolean().optional(),
    })
    .optional(),
});

/** Settings of a project, parsed. */
export type GuardConfig = z.infer<typeof guardConfigSchema>;

/** Where a run's memory limit lies. */
export type Threshold =
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "bytes"; readonly bytes: number };

/** Parses "80%", "6GB" or a number, which is percent. @throws ConstellationError usage.invalid */
export function parseThreshold(value: string | number): Threshold {
  const text = String(value).trim();
  const percent = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text)?.[1];
  if (percent !== undefined) {
    const share = Number(percent) / 100;
    if (share > 0 && share < 1) return { kind: "share", share };
  } else {
    const bytes = parseBytes(text);
    if (bytes > 0) return { kind: "bytes", bytes };
  }
  throw new ConstellationError(
    "usage.invalid",
    `Cannot use the memory threshold "${text}": wanted more than 0 % and less than 100 %, or a size such as "6GB"`,
  );
}

/** The names of the file, in the order in which they are looked for. */
export const configFiles = ["ts", "mts", "js", "mjs", "json", "yaml", "yml"].map(
  (ending) => `constellation.test.${ending}`,
);

/**
 * Reads the project's settings; none is no failure. `importModule` loads a TypeScript or JavaScript file and gives its
 * default export.
 *
 * @throws ConstellationError spec.unreadable, spec.invalid
 */
export async function loadGuardConfig(
  root: string,
  importModule: (path: string) => Promise<unknown>,
): Promise<{ readonly path: string | undefined; readonly config: GuardConfig }> {
  const path = configFiles.map((name) => join(root, name)).find((each) => existsSync(each));
  if (path === undefined) return { path, config: {} };
  let value: unknown;
  try {
    const ending = extname(path);
    if (ending === ".json") value = JSON.parse(readFileSync(path, "utf8"));
    else if (ending === ".yaml" || ending === ".yml") value = parseYaml(readFileSync(path, "utf8"));
    else value = await importModule(path);
  } catch (cause) {
    throw new ConstellationError(
      "spec.unreadable",
      `Cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  return { path, config: parseGuardConfig(value, path) };
}

/** Checks settings. @throws ConstellationError spec.invalid, naming each wrong key */
export function parseGuardConfig(value: unknown, path: string): GuardConfig {
  const parsed = guardConfigSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path: at, message }) => `${at.join(".") || "(top)"}: ${message}`);
  throw new ConstellationError("spec.invalid", `${path} is not valid: ${issues.join("; ")}`, {
    remedy: "The settings are described in docs/guides/guard.md.",
  });
}
