import * as z from "zod";
import { instanceStateSchema } from "./state.ts";

/** One running (or ended) thing, as `ps` shows it. */
export const instanceSchema = z.object({
  /** App and number: `web.2`. Stays over restarts. */
  name: z.string(),
  app: z.string(),
  index: z.int(),
  /** Revision of the spec that it runs. */
  revision: z.int(),
  driver: z.string(),
  state: instanceStateSchema,
  restarts: z.int(),
});

/** A protection or limit of a running instance, as found and not as wished. */
export const measureSchema = z.object({
  /** For example `namespace.pid`, `limit.memory`, `seccomp`. */
  name: z.string(),
  state: z.enum(["on", "partial", "off", "missing"]),
  /** The value in force, or why it is missing. */
  detail: z.string(),
});

/** A process inside an instance. */
export const processSchema = z.object({
  pid: z.int(),
  parent: z.int(),
  command: z.string(),
  state: z.string(),
  memoryBytes: z.number(),
});

/** Everything known of one instance. */
export const instanceDetailsSchema = instanceSchema.extend({
  /** Identity of this start; a restart has another. */
  runId: z.string().nullable(),
  /** When its present or last run was begun, in Unix milliseconds: what its log holds from before is of others. Null: unknown, or before the first. */
  begunAt: z.number().nullable(),
  /** How its program came to run: `warm` in a Node that waited, `slot` in namespaces made ahead, `cold` from nothing. */
  start: z.enum(["warm", "slot", "cold"]).nullable(),
  measures: z.array(measureSchema),
  processes: z.array(processSchema),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.object({ name: z.string(), url: z.string(), mode: z.enum(["shared", "forwarded", "own"]) })),
  logFile: z.string().nullable(),
  dataFolder: z.string().nullable(),
  history: z.array(z.object({ at: z.number(), text: z.string() })),
});
