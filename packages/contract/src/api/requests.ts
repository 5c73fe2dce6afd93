import * as z from "zod";
import { appNameSchema } from "../spec/app.ts";
import { mostInstances } from "../spec/most-instances.ts";
import { sampleInterval } from "./sample-interval.ts";

export const applyRequestSchema = z.strictObject({
  /** Specs as written by the user; each is parsed by itself so that its problems are reported by app. */
  apps: z.array(z.unknown()).min(1).max(1000),
  /** Only say what would change. */
  dryRun: z.boolean().optional(),
  /** Refuse when an app of this name exists already (`create`). */
  createOnly: z.boolean().optional(),
  /** File that the specs come from, absolute: apps that came from it before and are missing now are orphans. */
  source: z.string().min(1).max(4096).optional(),
  /** Remove the orphans; their data folders and logs stay. @default false: they go on and are named */
  prune: z.boolean().optional(),
});
export const scaleRequestSchema = z.strictObject({ instances: z.int().min(0).max(mostInstances) });
export const stopDaemonRequestSchema = z.strictObject({
  /** Stop every instance too. @default false: they go on without a daemon */ instances: z.boolean().optional(),
});
const instanceName = z.string().regex(/^[a-z][a-z0-9-]*\.\d+$/, 'must be written like "web.1"');
export const appParamsSchema = z.object({ app: appNameSchema });
export const instanceParamsSchema = z.object({ instance: instanceName });
export const artifactParamsSchema = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const count = z.coerce.number().int().min(0);
const flag = z.enum(["true", "false"]).transform((text) => text === "true");

export const removeQuerySchema = z.object({
  /** Delete the data folders and logs of its instances too. @default false */ erase: flag.optional(),
});
export const logsQuerySchema = z.object({
  app: appNameSchema.optional(),
  instance: instanceName.optional(),
  /** Unix milliseconds, until the end of the year 9999. */
  since: count.max(253_402_300_799_999).optional(),
  /** Only the last so many lines. */
  tail: count.max(1_000_000).optional(),
  follow: flag.optional(),
  stream: z.enum(["stdout", "stderr"]).optional(),
});
export const eventsQuerySchema = z.object({
  app: appNameSchema.optional(),
  after: count.optional(),
  tail: count.max(100_000).optional(),
  follow: flag.optional(),
});
export const samplesQuerySchema = z.object({
  app: appNameSchema.optional(),
  intervalMs: count.min(sampleInterval.leastMs).max(sampleInterval.mostMs).optional(),
  follow: flag.optional(),
});
export const instancesQuerySchema = z.object({ app: appNameSchema.optional() });
export const execQuerySchema = z.object({
  /** JSON array: program and arguments. */
  argv: z.string(),
  tty: flag.optional(),
  columns: count.max(10_000).optional(),
  rows: count.max(10_000).optional(),
});

export type ApplyRequest = z.output<typeof applyRequestSchema>;
export type LogsQuery = z.output<typeof logsQuerySchema>;
export type EventsQuery = z.output<typeof eventsQuerySchema>;
export type SamplesQuery = z.output<typeof samplesQuerySchema>;
