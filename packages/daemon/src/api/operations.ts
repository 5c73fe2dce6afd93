import {
  ConstellationError,
  type Endpoint,
  type endpoints,
  type RouteName,
  type routes,
} from "@constellation/contract";
import type { z } from "zod";
import type { ArtifactContent, Platform } from "../platform/index.ts";

type Part<Name extends RouteName, Key extends "params" | "query" | "request"> = (typeof routes)[Name] extends {
  readonly [K in Key]: infer Schema extends z.ZodType;
}
  ? z.output<Schema>
  : undefined;

/** One call of the API, parsed. */
export interface Call<Name extends RouteName> {
  readonly params: Part<Name, "params">;
  readonly query: Part<Name, "query">;
  readonly request: Part<Name, "request">;
  /** Body of a route that takes bytes. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Aborted when the caller is gone or the server closes. */
  readonly signal: AbortSignal;
}

type NamesOf<Form extends Endpoint["form"]> = {
  [Name in RouteName]: (typeof endpoints)[Name]["form"] extends Form ? Name : never;
}[RouteName];

type Answer<Name extends RouteName> =
  Name extends NamesOf<"json-lines">
    ? AsyncIterable<unknown>
    : Name extends NamesOf<"bytes">
      ? Promise<ArtifactContent>
      : Name extends NamesOf<"json">
        ? Promise<object>
        : Promise<string>;

/** What each route asks of the platform. Routes with a WebSocket are served apart. */
export type Operations = {
  readonly [Name in Exclude<RouteName, NamesOf<"websocket">>]: (call: Call<Name>) => Answer<Name>;
};

/** The operations over a platform. */
export function operations(platform: Platform): Operations {
  return {
    version: async () => platform.version(),
    node: () => platform.node(),
    openapi: () => openapi(platform.version().version),
    apply: async ({ request }) => ({ changes: await platform.apply(request) }),
    apps: async () => ({ apps: await platform.apps() }),
    app: ({ params }) => platform.app(params.app),
    removeApp: ({ params, query }) => done(platform.removeApp(params.app, { erase: query.erase ?? false })),
    stopApp: ({ params }) => done(platform.stopApp(params.app)),
    startApp: ({ params }) => done(platform.startApp(params.app)),
    restartApp: ({ params }) => done(platform.restartApp(params.app)),
    scaleApp: ({ params, request }) => done(platform.scaleApp(params.app, request.instances)),
    instances: async ({ query }) => ({ instances: await platform.instances(query.app) }),
    instance: ({ params }) => platform.instance(params.instance),
    plan: ({ params }) => platform.plan(params.instance),
    logs: ({ query, signal }) => platform.logs(query, { signal }),
    events: ({ query, signal }) => platform.events(query, { signal }),
    samples: ({ query, signal }) => platform.samples(query, { signal }),
    hasArtifact: async ({ params }) => {
      if (await platform.hasArtifact(params.sha256)) return "";
      throw new ConstellationError("artifact.not-found", `There is no artifact ${params.sha256}`);
    },
    artifact: ({ params }) => platform.artifact(params.sha256),
    putArtifact: ({ params, bytes }) => done(platform.putArtifact(params.sha256, bytes)),
    stopDaemon: ({ request }) => done(platform.stopDaemon(request)),
  };
}

/** The schemas of all answers are 1 MB that a daemon has no other use for. */
async function openapi(version: string): Promise<object> {
  const { openApiDocument } = await import("@constellation/contract/openapi");
  return openApiDocument(version);
}

async function done(call: Promise<void>): Promise<object> {
  await call;
  return {};
}
