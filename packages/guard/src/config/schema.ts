import { ConstellationError, parseDuration } from "@constellation/contract";
import * as z from "zod";
import { parseThreshold } from "./threshold.ts";

const durationMs = z
  .union([z.number().nonnegative(), z.string()])
  .transform(orIssue((value) => (typeof value === "number" ? value * 1000 : parseDuration(value))));
const threshold = z.union([z.string(), z.number()]).transform(orIssue(parseThreshold));
const share = z.union([z.string(), z.number()]).transform(
  orIssue((value) => {
    const parsed = parseThreshold(value);
    if (parsed.kind === "share") return parsed.share;
    throw new ConstellationError("usage.invalid", `wanted percent such as "60%", found "${value}"`);
  }),
);
const port = z.int().min(1024).max(65_535);

/** What `constellation.test.{ts,json,yaml}` may say. Durations are "10s" or seconds; every key can be left out. */
export const guardConfigSchema = z.strictObject({
  /** Look at the machine and stop in time. @default as the command line says */
  selfProtect: z.boolean().optional(),
  /** One of the names that `--framework` takes. @default "auto" */
  framework: z.string().optional(),
  /** Guards this shell command instead of a framework. */
  command: z.string().optional(),
  thresholds: z
    .strictObject({
      /** "80%" of the nearest bound, or "6GB" of the run's own memory. Lower stops earlier. @default "80%" */
      memory: threshold.optional(),
      /** Percent of all CPUs, 1 to 100. @default 80 */
      cpu: z.number().min(1).max(100).optional(),
      /** What CPU above its threshold does. @default "shed" */
      cpuAction: z.enum(["shed", "pause", "stop", "ignore"]).optional(),
    })
    .optional(),
  /** The longest time between two looks at the machine, 100 ms or more; near a bound looks come every 100 ms anyway. @default "1s" */
  checkInterval: durationMs.refine((ms) => ms >= 100 && ms <= 60_000, "wanted 100ms to 60s").optional(),
  /** How long all of it may take; 0: for ever. @default "1h" */
  timeout: durationMs.optional(),
  /** How long tests that run may take to finish when the run drains. @default "10s" */
  grace: durationMs.optional(),
  /** Files or workers at a time; 1 or more. @default the cores */
  jobs: z.int().min(1).optional(),
  /** Go on by itself after a stop when the machine has recovered; takes a daemon. @default true */
  restart: z.boolean().optional(),
  /** Ports that no other run gets, for the tests to listen on; they find them in CONSTELLATION_PORTS. @default 0 */
  ports: z.int().min(0).max(100).optional(),
  /** Files of the code under test, as globs: when one changes a resumed run begins anew. @default none */
  sources: z.array(z.string().min(1)).optional(),
  checkpoint: z
    .strictObject({
      /** Folder of the journal, from the project's. @default ".constellation/test" */
      path: z.string().min(1).optional(),
      /** How long a finished test may be in the system's cache only. Longer spares the disk; a power cut loses more. @default "100ms" */
      interval: durationMs.refine((ms) => ms >= 10 && ms <= 60_000, "wanted 10ms to 60s").optional(),
    })
    .optional(),
  cleanup: z
    .strictObject({
      /** Stop containers that carry the run's label. @default true */
      containers: z.boolean().optional(),
      /** Before a run: end processes of dead runs that still hold ports. @default true */
      ports: z.boolean().optional(),
    })
    .optional(),
});

/** What `/etc/constellation/daemon.{json,yaml}` may say. */
export const globalConfigSchema = z.strictObject({
  /** Defaults of every guarded run; a project's own settings win. */
  test: guardConfigSchema.optional(),
  guard: z
    .strictObject({
      /** Stopped runs come back when no more than this share of memory is used. Lower waits longer. @default "60%" */
      resumeAt: share.optional(),
      /** How long it must have been so. @default "10s" */
      resumeHeld: durationMs.optional(),
      /** Time between two stops or restarts. Shorter acts before memory shows what the last one did. @default "15s" */
      pause: durationMs.optional(),
      /** Runs are let in while all may grow to what they need below this share. @default "80%" */
      admitAt: share.optional(),
      /** Ports that runs are given. @default 20000 to 29999 */
      ports: z.strictObject({ from: port, to: port }).optional(),
      /** End processes of dead runs that still hold ports. @default true */
      clearPorts: z.boolean().optional(),
    })
    .optional(),
});

/** Settings of a project, parsed. */
export type GuardConfig = z.infer<typeof guardConfigSchema>;
/** Settings of a machine, parsed. */
export type GlobalConfig = z.infer<typeof globalConfigSchema>;

/** Checks settings. @throws ConstellationError spec.invalid, naming each wrong key */
export function parseGuardConfig(value: unknown, path: string): GuardConfig {
  return parsed(guardConfigSchema, value, path);
}

/** Checks a machine's settings. @throws ConstellationError spec.invalid, naming each wrong key */
export function parseGlobalConfig(value: unknown, path: string): GlobalConfig {
  return parsed(globalConfigSchema, value, path);
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, path: string): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path: at, message }) => `${at.join(".") || "(top)"}: ${message}`);
  throw new ConstellationError("spec.invalid", `${path} is not valid: ${issues.join("; ")}`, {
    remedy: "The settings are described in docs/guides/guard.md.",
  });
}

/** Turns what a parser throws into an issue at its key. */
function orIssue<In, Out>(parse: (value: In) => Out): (value: In, context: z.RefinementCtx) => Out {
  return (value, context) => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  };
}
