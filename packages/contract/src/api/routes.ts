import { z } from "zod";
import { eventSchema } from "../events.ts";
import { instanceDetailsSchema, instanceSchema } from "../instance/instance.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";
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
  removeQuerySchema,
  samplesQuerySchema,
  scaleRequestSchema,
  stopDaemonRequestSchema,
  versionSchema,
} from "./schemas.ts";

/** One call of the API. */
export interface Route extends Endpoint {
  /** One line for people; the OpenAPI summary. */
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly request?: z.ZodType;
  readonly response: z.ZodType | null;
}

const appsSchema = z.object({ apps: z.array(appSummarySchema) });
const done = z.object({});

/** Every route of the daemon: what the server mounts, the SDK calls and the OpenAPI document lists. */
export const routes = {
  version: {
    ...endpoints.version,
    summary: "Version of the daemon",
    response: versionSchema,
  },
  node: {
    ...endpoints.node,
    summary: "What this machine offers",
    response: nodeSchema,
  },
  openapi: {
    ...endpoints.openapi,
    summary: "This document",
    response: z.unknown(),
  },
  apply: {
    ...endpoints.apply,
    summary: "Make these specs the desired state",
    request: applyRequestSchema,
    response: applyResponseSchema,
  },
  apps: {
    ...endpoints.apps,
    summary: "All apps",
    response: appsSchema,
  },
  app: {
    ...endpoints.app,
    summary: "One app with its spec",
    params: appParamsSchema,
    response: appSummarySchema.extend({ spec: z.unknown() }),
  },
  removeApp: {
    ...endpoints.removeApp,
    summary: "Stop an app and forget it",
    params: appParamsSchema,
    query: removeQuerySchema,
    response: done,
  },
  stopApp: {
    ...endpoints.stopApp,
    summary: "Stop all instances of an app and keep its spec",
    params: appParamsSchema,
    response: done,
  },
  startApp: {
    ...endpoints.startApp,
    summary: "Start a stopped app",
    params: appParamsSchema,
    response: done,
  },
  restartApp: {
    ...endpoints.restartApp,
    summary: "Replace all instances, one after the other",
    params: appParamsSchema,
    response: done,
  },
  scaleApp: {
    ...endpoints.scaleApp,
    summary: "Change the number of instances",
    params: appParamsSchema,
    request: scaleRequestSchema,
    response: done,
  },
  instances: {
    ...endpoints.instances,
    summary: "All instances",
    query: instancesQuerySchema,
    response: z.object({ instances: z.array(instanceSchema) }),
  },
  instance: {
    ...endpoints.instance,
    summary: "Everything known of one instance",
    params: instanceParamsSchema,
    response: instanceDetailsSchema,
  },
  plan: {
    ...endpoints.plan,
    summary: "The launch plan of one instance in readable form",
    params: instanceParamsSchema,
    response: z.string(),
  },
  exec: {
    ...endpoints.exec,
    summary: "Run a program inside an instance",
    params: instanceParamsSchema,
    query: execQuerySchema,
    response: null,
  },
  logs: {
    ...endpoints.logs,
    summary: "Lines of stdout and stderr",
    query: logsQuerySchema,
    response: logLineSchema,
  },
  events: {
    ...endpoints.events,
    summary: "What happened",
    query: eventsQuerySchema,
    response: eventSchema,
  },
  samples: {
    ...endpoints.samples,
    summary: "Measurements of instances",
    query: samplesQuerySchema,
    response: sampleSchema,
  },
  hasArtifact: {
    ...endpoints.hasArtifact,
    summary: "Whether an artifact is stored",
    params: artifactParamsSchema,
    response: null,
  },
  putArtifact: {
    ...endpoints.putArtifact,
    summary: "Store an artifact; its bytes must have this SHA-256",
    params: artifactParamsSchema,
    response: done,
  },
  stopDaemon: {
    ...endpoints.stopDaemon,
    summary: "Stop the daemon; instances go on unless asked",
    request: stopDaemonRequestSchema,
    response: done,
  },
} as const satisfies Record<string, Route>;

/** Name of a route. */
export type RouteName = keyof typeof routes;
