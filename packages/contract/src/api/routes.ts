import type * as z from "zod";
import { type Endpoint, endpoints } from "./endpoints.ts";
import {
  applyRequestSchema,
  appParamsSchema,
  artifactParamsSchema,
  eventsQuerySchema,
  execQuerySchema,
  instanceParamsSchema,
  instancesQuerySchema,
  logsQuerySchema,
  removeQuerySchema,
  samplesQuerySchema,
  scaleRequestSchema,
  stopDaemonRequestSchema,
} from "./requests.ts";

/** One call of the API and what it is given; what it answers is among the `responses`. */
export interface Route extends Endpoint {
  /** One line for people; the OpenAPI summary. */
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly request?: z.ZodType;
  /** It is given raw bytes. */
  readonly takesBytes?: true;
}

/** Every route of the daemon: what the server mounts, the SDK calls and the OpenAPI document lists. */
export const routes = {
  version: {
    ...endpoints.version,
    summary: "Version of the daemon",
  },
  node: {
    ...endpoints.node,
    summary: "What this machine offers",
  },
  openapi: {
    ...endpoints.openapi,
    summary: "This document",
  },
  apply: {
    ...endpoints.apply,
    summary: "Make these specs the desired state",
    request: applyRequestSchema,
  },
  apps: {
    ...endpoints.apps,
    summary: "All apps",
  },
  app: {
    ...endpoints.app,
    summary: "One app with its spec",
    params: appParamsSchema,
  },
  removeApp: {
    ...endpoints.removeApp,
    summary: "Stop an app and forget it",
    params: appParamsSchema,
    query: removeQuerySchema,
  },
  stopApp: {
    ...endpoints.stopApp,
    summary: "Stop all instances of an app and keep its spec",
    params: appParamsSchema,
  },
  startApp: {
    ...endpoints.startApp,
    summary: "Start a stopped app",
    params: appParamsSchema,
  },
  restartApp: {
    ...endpoints.restartApp,
    summary: "Replace all instances, one after the other",
    params: appParamsSchema,
  },
  scaleApp: {
    ...endpoints.scaleApp,
    summary: "Change the number of instances",
    params: appParamsSchema,
    request: scaleRequestSchema,
  },
  instances: {
    ...endpoints.instances,
    summary: "All instances",
    query: instancesQuerySchema,
  },
  instance: {
    ...endpoints.instance,
    summary: "Everything known of one instance",
    params: instanceParamsSchema,
  },
  plan: {
    ...endpoints.plan,
    summary: "The launch plan of one instance in readable form",
    params: instanceParamsSchema,
  },
  exec: {
    ...endpoints.exec,
    summary: "Run a program inside an instance",
    params: instanceParamsSchema,
    query: execQuerySchema,
  },
  logs: {
    ...endpoints.logs,
    summary: "Lines of stdout and stderr",
    query: logsQuerySchema,
  },
  events: {
    ...endpoints.events,
    summary: "What happened",
    query: eventsQuerySchema,
  },
  samples: {
    ...endpoints.samples,
    summary: "Measurements of instances",
    query: samplesQuerySchema,
  },
  hasArtifact: {
    ...endpoints.hasArtifact,
    summary: "Whether an artifact is stored",
    params: artifactParamsSchema,
  },
  artifact: {
    ...endpoints.artifact,
    summary: "The bytes of an artifact",
    params: artifactParamsSchema,
  },
  putArtifact: {
    ...endpoints.putArtifact,
    summary: "Store an artifact; its bytes must have this SHA-256",
    params: artifactParamsSchema,
    takesBytes: true,
  },
  stopDaemon: {
    ...endpoints.stopDaemon,
    summary: "Stop the daemon; instances go on unless asked",
    request: stopDaemonRequestSchema,
  },
} as const satisfies Record<string, Route>;

/** Name of a route. */
export type RouteName = keyof typeof routes;
