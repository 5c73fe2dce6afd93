import * as z from "zod";
import { parseBytes } from "../units/bytes.ts";
import { parseDuration } from "../units/duration.ts";
import { appName } from "./app-name.ts";
import { human } from "./human.ts";
import type { DependencyCondition } from "./input.ts";
import { defaultIsolation, type Isolation, isolationSchema } from "./isolation.ts";
import { mostInstances } from "./most-instances.ts";
import { type PortSpec, portsSchema } from "./port.ts";
import { type Health, healthSchema, noHealth } from "./probe.ts";
import { noLimits, type Resources, resourcesSchema } from "./resources.ts";
import { defaultRestart, type RestartPolicy, restartSchema } from "./restart.ts";

const duration = human(z.string(), parseDuration);
const size = human(z.union([z.string(), z.number().int().nonnegative()]), parseBytes);

export const appNameSchema = z.string().regex(appName.pattern, appName.wanted);

// The kernel takes no longer word (MAX_ARG_STRLEN, execve(2)); a variable needs room for its name and "=" too.
const longestWordBytes = 131_071;
const fitsInWord = (text: string, besideBytes = 0): boolean =>
  text.length * 3 + besideBytes <= longestWordBytes ||
  new TextEncoder().encode(text).byteLength + besideBytes <= longestWordBytes;
const text = z.string().refine((value) => !value.includes("\0"), "must not contain a NUL character");
const absolute = text.regex(/^\//, "must be an absolute path");
const word = text.refine(
  (value) => fitsInWord(value),
  `must not be longer than ${longestWordBytes} bytes; the kernel takes no more`,
);
const signalName = z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"]);
const dependencyCondition = z.enum(["started", "healthy", "completed"]);

/** Everything that `app({...})` takes. Unknown keys are refused, human units become numbers with the unit in their name. */
export const appSchema = z
  .strictObject({
    name: appNameSchema,
    /** JavaScript or TypeScript file, bundled into an artifact by the client. */
    script: word.optional(),
    /** Any program and its arguments; `$PORT` and `${NAME}` of the instance's environment are filled in. */
    command: z.array(word).min(1).max(4096).optional(),
    /** Arguments of the script. */
    args: z.array(word).max(4096).optional(),
    /** Packages that the client leaves out of the bundle; `*` stands for any letters. */
    external: z
      .array(
        z
          .string()
          .regex(/^(?:@[\w.*~-]+\/)?[\w.*~-]+$/, 'must be the name of a package, like "express" or "@scope/*"')
          .max(214),
      )
      .max(1000)
      .optional(),
    /** What executes the script. */
    runtime: z.enum(["node", "bun"]).optional(),
    /** Start from a Node that waits, where there is one. */
    warm: z.boolean().optional(),
    /** SHA-256 of the bundled script; set by the client. */
    artifact: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    /** The app's folder: readable by the instance, and its working folder. Set by the client to the folder of the spec. */
    folder: absolute.optional(),
    instances: z.number().int().min(0).max(mostInstances).optional(),
    resources: resourcesSchema.optional(),
    env: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of a variable (letters, digits and "_", no digit first)'),
        text,
      )
      .optional(),
    port: portsSchema.optional(),
    health: healthSchema.optional(),
    restart: restartSchema.optional(),
    stop: z.strictObject({ signal: signalName.optional(), grace: duration.optional() }).optional(),
    dependsOn: z.union([z.array(appNameSchema).max(256), z.record(appNameSchema, dependencyCondition)]).optional(),
    isolation: isolationSchema.optional(),
    /** Folders of the machine that the instance may see. */
    mounts: z
      .array(z.strictObject({ source: absolute, target: absolute, readOnly: z.boolean().optional() }))
      .max(256)
      .optional(),
    logs: z
      .strictObject({
        maxSize: size.optional(),
        maxFiles: z.number().int().min(1).max(1000).optional(),
        maxAge: duration.optional(),
      })
      .optional(),
  })
  .superRefine((input, context) => {
    if ((input.script === undefined) === (input.command === undefined)) {
      context.addIssue({ code: "custom", message: "an app needs exactly one of script and command" });
    }
    if (input.command?.[0] === "")
      context.addIssue({ code: "custom", path: ["command", 0], message: "must name a program" });
    if (input.args !== undefined && input.script === undefined) {
      context.addIssue({
        code: "custom",
        path: ["args"],
        message: "args belong to script; put the arguments of a command into command",
      });
    }
    for (const setting of ["external", "runtime", "warm"] as const) {
      if (input[setting] !== undefined && input.script === undefined) {
        context.addIssue({
          code: "custom",
          path: [setting],
          message: `${setting} belongs to script; a command ${setting === "external" ? "is not bundled" : "names its own program"}`,
        });
      }
    }
    for (const [name, value] of Object.entries(input.env ?? {})) {
      if (fitsInWord(value, name.length + 1)) continue;
      context.addIssue({
        code: "custom",
        path: ["env", name],
        message: `must not be longer than ${longestWordBytes} bytes together with its name; put it into a file`,
      });
    }
    const targets = (input.mounts ?? []).map(({ target }) => target);
    const twice = targets.find((target, at) => targets.indexOf(target) !== at);
    if (twice !== undefined)
      context.addIssue({ code: "custom", path: ["mounts"], message: `two mounts have the target ${twice}` });
    if (input.dependsOn !== undefined && dependencies(input.dependsOn).some(({ app }) => app === input.name)) {
      context.addIssue({ code: "custom", path: ["dependsOn"], message: `${input.name} cannot depend on itself` });
    }
    // What has an issue is still as the user wrote it, and its ports have no names.
    if (context.issues.length > 0) return;
    const { health = noHealth, port = [] } = input;
    const names = port.map(({ name }) => name);
    for (const asked of probedPorts(health)) {
      if (asked === null ? names.length > 0 : names.includes(asked)) continue;
      const what = asked === null ? "a port" : `port ${JSON.stringify(asked)}`;
      const message = `a probe asks ${what}; the app has ${names.join(", ") || "no port"}`;
      context.addIssue({ code: "custom", path: ["health"], message });
    }
  })
  .transform((input): AppSpec => ({
    name: input.name,
    run:
      input.command === undefined
        ? {
            kind: "script",
            path: input.script ?? "",
            args: input.args ?? [],
            artifact: input.artifact ?? null,
            // Left out where it says nothing, so that specs of before mean the same.
            ...(input.runtime === "bun" ? { runtime: input.runtime } : {}),
          }
        : { kind: "command", argv: input.command },
    folder: input.folder ?? null,
    instances: input.instances ?? 1,
    resources: input.resources ?? noLimits,
    env: input.env ?? {},
    ports: input.port ?? [],
    health: input.health ?? noHealth,
    ...(input.warm === false ? { warm: false } : {}),
    restart: input.restart ?? defaultRestart,
    stop: { signal: input.stop?.signal ?? "SIGTERM", graceMs: input.stop?.grace ?? 10_000 },
    dependsOn: dependencies(input.dependsOn ?? []),
    isolation: input.isolation ?? defaultIsolation,
    mounts: (input.mounts ?? []).map(({ source, target, readOnly }) => ({
      source,
      target,
      readOnly: readOnly ?? true,
    })),
    logs: {
      maxFileBytes: input.logs?.maxSize ?? 10_000_000,
      maxFiles: input.logs?.maxFiles ?? 5,
      maxAgeMs: input.logs?.maxAge ?? 7 * 86_400_000,
    },
  }));

function dependencies(input: readonly string[] | Readonly<Record<string, DependencyCondition>>): Dependency[] {
  if (Array.isArray(input)) return (input as string[]).map((app) => ({ app, condition: "healthy" }));
  return Object.entries(input as Record<string, DependencyCondition>).map(([app, condition]) => ({ app, condition }));
}

/** Names of ports that probes ask; null: the first. */
function probedPorts({ startup, readiness, liveness }: Health): Set<string | null> {
  const checks = [startup, readiness, liveness].flatMap((probe) => probe?.check ?? []);
  return new Set(checks.flatMap((check) => ("port" in check && typeof check.port !== "number" ? [check.port] : [])));
}

/** Another app that must have come so far before this one starts. */
export interface Dependency {
  readonly app: string;
  readonly condition: DependencyCondition;
}

/** What can execute a script. */
export type ScriptRuntime = "node" | "bun";

/** What an instance executes. */
export type RunSpec =
  | {
      readonly kind: "script";
      readonly path: string;
      readonly args: readonly string[];
      readonly artifact: string | null;
      /** @default "node" */
      readonly runtime?: ScriptRuntime;
    }
  | { readonly kind: "command"; readonly argv: readonly string[] };

/** A folder of the machine seen by an instance. */
export interface MountSpec {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The normalised spec: every default filled in, every unit in the name. What the state keeps and the scheduler reads. */
export interface AppSpec {
  readonly name: string;
  readonly run: RunSpec;
  readonly folder: string | null;
  readonly instances: number;
  readonly resources: Resources;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortSpec[];
  readonly health: Health;
  /** False: its scripts never start from a Node that waits. @default true */
  readonly warm?: boolean;
  readonly restart: RestartPolicy;
  readonly stop: { readonly signal: z.output<typeof signalName>; readonly graceMs: number };
  readonly dependsOn: readonly Dependency[];
  readonly isolation: Isolation;
  readonly mounts: readonly MountSpec[];
  readonly logs: { readonly maxFileBytes: number; readonly maxFiles: number; readonly maxAgeMs: number };
}
