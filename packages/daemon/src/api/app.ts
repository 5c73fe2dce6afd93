import {
  apiVersion,
  apiVersionHeader,
  ConstellationError,
  type Route,
  type RouteName,
  routes,
} from "@constellation/contract";
import { type Context, Hono } from "hono";
import type { Platform } from "../platform/index.ts";
import { boundedBody, readJson } from "./body.ts";
import { errorResponse, publicError, type ReportFault } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { type Call, type Operations, operations } from "./operations.ts";
import { parsePart } from "./parse.ts";

type Operation = (call: Call<RouteName>) => Promise<unknown> | AsyncIterable<unknown>;

/**
 * The API as a Hono app: every route of the contract over `platform`.
 *
 * @param closing ends streams when the server closes
 */
export function createApi(platform: Platform, report: ReportFault, closing: AbortSignal): Hono {
  const app = new Hono();
  const handlers: Partial<Operations> = operations(platform);
  for (const [name, route] of Object.entries<Route>(routes)) {
    const operation = handlers[name as keyof Operations] as Operation | undefined;
    if (operation === undefined) app.get(route.path, onlyWebSocket);
    // Hono answers HEAD by the GET handler without its body.
    else app.on(route.method === "HEAD" ? "GET" : route.method, route.path, handle(route, operation, report, closing));
  }
  app.notFound(({ req }) => errorResponse(noRoute(req.method, req.path)));
  app.onError((error) => errorResponse(publicError(error, report)));
  return app;
}

function handle(route: Route, operation: Operation, report: ReportFault, closing: AbortSignal) {
  return async (context: Context): Promise<Response> => {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, closing, context.req.raw.signal]);
    const answer = operation(await readCall(route, context, signal));
    if (route.form === "json-lines") {
      const body = jsonLines(answer as AsyncIterable<unknown>, stop, report);
      return new Response(body, { headers: headers("application/x-ndjson") });
    }
    const value = await answer;
    if (route.form === "text") return new Response(String(value), { headers: headers("text/plain; charset=utf-8") });
    if (route.form === "none") return new Response(null, { headers: headers() });
    return new Response(JSON.stringify(value), { headers: headers("application/json") });
  };
}

async function readCall(route: Route, { req }: Context, signal: AbortSignal): Promise<Call<RouteName>> {
  const call = {
    params: parsePart("params", route, req.param()),
    query: parsePart("query", route, req.query()),
    request: route.request === undefined ? undefined : parsePart("request", route, await readJson(req.raw)),
    bytes: boundedBody(req.raw, "artifact.too-large"),
    signal,
  };
  return call as Call<RouteName>;
}

const headers = (contentType?: string): Record<string, string> => ({
  [apiVersionHeader]: String(apiVersion),
  ...(contentType === undefined ? {} : { "content-type": contentType }),
});

function onlyWebSocket(): Response {
  return errorResponse(
    new ConstellationError("request.invalid", "exec is served as a WebSocket, but the request is a plain one", {
      remedy: "Use `constellation exec` or a WebSocket client.",
    }),
  );
}

const noRoute = (method: string, path: string): ConstellationError =>
  new ConstellationError("route.not-found", `The API has no ${method} ${path.slice(0, 200)}`, {
    remedy: "`constellation openapi` prints what it has.",
  });
