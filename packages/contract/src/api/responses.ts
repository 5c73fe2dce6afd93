import * as z from "zod";
import { eventSchema } from "../events.ts";
import { instanceDetailsSchema, instanceSchema } from "../instance/instance.ts";
import { sampleSchema } from "../instance/sample.ts";
import type { Change } from "./results.ts";
import type { RouteName } from "./routes.ts";

export const versionSchema = z.object({
  version: z.string(),
  api: z.int(),
  node: z.string(),
  pid: z.int(),
  startedAt: z.number(),
  stateDirectory: z.string(),
});

export const featureSchema = z.object({
  name: z.string(),
  state: z.enum(["available", "partial", "missing"]),
  detail: z.string(),
  remedy: z.string().nullable(),
});

export const nodeSchema = z.object({
  name: z.string(),
  platform: z.string(),
  cpus: z.number(),
  memoryBytes: z.number(),
  memoryAvailableBytes: z.number(),
  features: z.array(featureSchema),
});

export const appSummarySchema = z.object({
  name: z.string(),
  revision: z.int(),
  /** Instances wanted, running, and ready of the newest revision. */
  wanted: z.int(),
  running: z.int(),
  ready: z.int(),
  status: z.enum(["stopped", "starting", "healthy", "degraded", "failed", "completed"]),
  /** In words, when something is not as wanted. */
  detail: z.string().nullable(),
  urls: z.array(z.string()),
  /** File of specs that it was applied from last, as its client names it; null when it came from none. */
  source: z.string().nullable(),
  updatedAt: z.number(),
});

/**
 * What an apply does to one app. `retried`: it is as it was wanted, and its instances that have failed are tried anew.
 * `orphaned`: it came from the same file before and is not in it any more; nothing is done
 * to it unless the apply prunes, and then it is `removed`.
 */
export const changeSchema = z.object({
  app: z.string(),
  change: z.enum(["created", "updated", "scaled", "retried", "unchanged", "orphaned", "removed"]),
  revision: z.int(),
  /** Settings that differ from what runs, as `path: before -> after`. */
  differences: z.array(z.string()),
});

export const applyResponseSchema = z.object({ changes: z.array(changeSchema) });

export const logLineSchema = z.object({
  app: z.string(),
  instance: z.string(),
  /** RFC 3339 with nanoseconds, as written by the instance's supervisor. */
  time: z.string(),
  stream: z.enum(["stdout", "stderr"]),
  text: z.string(),
  /**
   * Stands for lines that could not be read any more: at least so many bytes, 0 where nobody knows how many. Such a line has no
   * text, and the time of the line before.
   */
  gapBytes: z.number().optional(),
});

const done = z.object({});
/** Raw bytes, as OpenAPI says it. */
export const bytesSchema = z.string().meta({ format: "binary" });

/**
 * What each route answers; `null`: no body, or a WebSocket. Only the document of the API is made of them: nothing that answers
 * or asks loads them.
 */
export const responses: Readonly<Record<RouteName, z.ZodType | null>> = {
  version: versionSchema,
  node: nodeSchema,
  openapi: z.unknown(),
  apply: applyResponseSchema,
  apps: z.object({ apps: z.array(appSummarySchema) }),
  app: appSummarySchema.extend({ spec: z.unknown() }),
  removeApp: done,
  stopApp: done,
  startApp: done,
  restartApp: done,
  scaleApp: done,
  instances: z.object({ instances: z.array(instanceSchema) }),
  instance: instanceDetailsSchema,
  plan: z.string(),
  exec: null,
  logs: logLineSchema,
  events: eventSchema,
  samples: sampleSchema,
  hasArtifact: null,
  artifact: bytesSchema,
  putArtifact: done,
  stopDaemon: done,
};

/** What an apply answers. */
export interface ApplyResponse {
  changes: Change[];
}
