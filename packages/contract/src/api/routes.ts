import { z } from "zod";
import { eventSchema } from "../events.ts";
import { instanceDetailsSchema, instanceSchema } from "../instance/instance.ts";
import { sampleSchema } from "../instance/sample.ts";
import {
  applyRequestSchema,
  applyResponseSchema,
  appParamsSchema,
  appSummarySchema,
  artifactParamsSchema,
  eventsQuerySchema,
  execQuerySchema,
  instanceParamsSchema,
  instancesQuerySchema,
  logLineSchema,
  logsQuerySchema,
  nodeSchema,
  samplesQuerySchema,
  scaleRequestSchema,
  stopDaemonRequestSchema,
  versionSchema,
} from "./schemas.ts";

/** How a body travels: one JSON value, one JSON value a line for as long as the caller listens, raw bytes, a WebSocket, or none. */
export type BodyForm = "json" | "json-lines" | "bytes" | "text" | "websocket" | "none";

/** One call of the API. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Path with `:name` for parameters. */
  readonly path: string;
  /** One line for people; the OpenAPI summary. */
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly request?: z.ZodType;
  readonly response: z.ZodType | null;
  readonly form: BodyForm;
}

const appsSchema = z.object({ apps: z.array(appSummarySchema) });
const done = z.object({});

/** Every route of the daemon: what the server mounts, the SDK calls and the OpenAPI document lists. */
export const routes = {
  version: {
    method: "GET",
    path: "/v1/version",
    summary: "Version of the daemon",
    response: versionSchema,
    form: "json",
  },
  node: { method: "GET", path: "/v1/node", summary: "What this machine offers", response: nodeSchema, form: "json" },
  openapi: { method: "GET", path: "/v1/openapi.json", summary: "This document", response: z.unknown(), form: "json" },
  apply: {
    method: "POST",
    path: "/v1/apply",
    summary: "Make these specs the desired state",
    request: applyRequestSchema,
    response: applyResponseSchema,
    form: "json",
  },
  apps: { method: "GET", path: "/v1/apps", summary: "All apps", response: appsSchema, form: "json" },
  app: {
    method: "GET",
    path: "/v1/apps/:app",
    summary: "One app with its spec",
    params: appParamsSchema,
    response: appSummarySchema.extend({ spec: z.unknown() }),
    form: "json",
  },
  removeApp: {
    method: "DELETE",
    path: "/v1/apps/:app",
    summary: "Stop an app and forget it",
    params: appParamsSchema,
    response: done,
    form: "json",
  },
  stopApp: {
    method: "POST",
    path: "/v1/apps/:app/stop",
    summary: "Stop all instances of an app and keep its spec",
    params: appParamsSchema,
    response: done,
    form: "json",
  },
  startApp: {
    method: "POST",
    path: "/v1/apps/:app/start",
    summary: "Start a stopped app",
    params: appParamsSchema,
    response: done,
    form: "json",
  },
  restartApp: {
    method: "POST",
    path: "/v1/apps/:app/restart",
    summary: "Replace all instances, one after the other",
    params: appParamsSchema,
    response: done,
    form: "json",
  },
  scaleApp: {
    method: "POST",
    path: "/v1/apps/:app/scale",
    summary: "Change the number of instances",
    params: appParamsSchema,
    request: scaleRequestSchema,
    response: done,
    form: "json",
  },
  instances: {
    method: "GET",
    path: "/v1/instances",
    summary: "All instances",
    query: instancesQuerySchema,
    response: z.object({ instances: z.array(instanceSchema) }),
    form: "json",
  },
  instance: {
    method: "GET",
    path: "/v1/instances/:instance",
    summary: "Everything known of one instance",
    params: instanceParamsSchema,
    response: instanceDetailsSchema,
    form: "json",
  },
  plan: {
    method: "GET",
    path: "/v1/instances/:instance/plan",
    summary: "The launch plan of one instance in readable form",
    params: instanceParamsSchema,
    response: z.string(),
    form: "text",
  },
  exec: {
    method: "GET",
    path: "/v1/instances/:instance/exec",
    summary: "Run a program inside an instance",
    params: instanceParamsSchema,
    query: execQuerySchema,
    response: null,
    form: "websocket",
  },
  logs: {
    method: "GET",
    path: "/v1/logs",
    summary: "Lines of stdout and stderr",
    query: logsQuerySchema,
    response: logLineSchema,
    form: "json-lines",
  },
  events: {
    method: "GET",
    path: "/v1/events",
    summary: "What happened",
    query: eventsQuerySchema,
    response: eventSchema,
    form: "json-lines",
  },
  samples: {
    method: "GET",
    path: "/v1/samples",
    summary: "Measurements of instances",
    query: samplesQuerySchema,
    response: sampleSchema,
    form: "json-lines",
  },
  hasArtifact: {
    method: "HEAD",
    path: "/v1/artifacts/:sha256",
    summary: "Whether an artifact is stored",
    params: artifactParamsSchema,
    response: null,
    form: "none",
  },
  putArtifact: {
    method: "PUT",
    path: "/v1/artifacts/:sha256",
    summary: "Store an artifact; its bytes must have this SHA-256",
    params: artifactParamsSchema,
    response: done,
    form: "bytes",
  },
  stopDaemon: {
    method: "POST",
    path: "/v1/daemon/stop",
    summary: "Stop the daemon; instances go on unless asked",
    request: stopDaemonRequestSchema,
    response: done,
    form: "json",
  },
} as const satisfies Record<string, Route>;

/** Name of a route. */
export type RouteName = keyof typeof routes;
