import type { RequestListener } from "node:http";
import { ConstellationError, type Route, type RouteName, routes } from "@constellation/contract";
import type { ArtifactContent, Platform } from "../platform/index.ts";
import { answer, answerBytes, refuse } from "./answer.ts";
import { boundedBody, readJson } from "./body.ts";
import { Closing, Exchange } from "./exchange.ts";
import { publicError, type ReportFault } from "./failure.ts";
import { answerJsonLines } from "./json-lines.ts";
import { type Call, type Operations, operations } from "./operations.ts";
import { parsePart } from "./parse.ts";
import { RouteTable } from "./route-table.ts";
import { readTarget, type Target } from "./target.ts";

type Operation = (call: Call<RouteName>) => Promise<unknown> | AsyncIterable<unknown>;
type Handler = (params: Readonly<Record<string, string>>, target: Target, exchange: Exchange) => Promise<void>;

/**
 * The API as what a server of `node:http` calls: every route of the contract over `platform`. Requests and answers stay
 * Node's own objects: those of the web would load all of `fetch` into a daemon that never fetches.
 *
 * @param closing ends streams when the server closes
 * @param worked called after each call that was answered
 */
export function createApi(
  platform: Platform,
  report: ReportFault,
  closing: AbortSignal,
  worked?: () => void,
): RequestListener {
  const table = routesTo(operations(platform), report);
  const ending = new Closing(closing);
  return (request, response) => {
    serve(table, new Exchange(request, response, ending)).then(worked, (error: unknown) => {
      // What is wrong with a request may be known before Node has told that all of it is there.
      setImmediate(refuse, request, response, publicError(error, report));
    });
  };
}

function routesTo(handlers: Partial<Operations>, report: ReportFault): RouteTable<Handler> {
  const table = new RouteTable<Handler>();
  for (const [name, route] of Object.entries<Route>(routes)) {
    const operation = handlers[name as keyof Operations] as Operation | undefined;
    table.add(route.method, route.path, operation === undefined ? onlyWebSocket : handle(route, operation, report));
  }
  return table;
}

async function serve(table: RouteTable<Handler>, exchange: Exchange): Promise<void> {
  const { method = "GET", url = "/" } = exchange.request;
  const target = readTarget(url);
  // A GET route answers HEAD, too: Node leaves the body out.
  const found = table.match(method, target.path) ?? (method === "HEAD" ? table.match("GET", target.path) : undefined);
  if (found === undefined) throw noRoute(method, target.path);
  await found.handler(found.params, target, exchange);
}

function handle(route: Route, operation: Operation, report: ReportFault): Handler {
  return async (params, { query }, exchange) => {
    const { request, response } = exchange;
    const call = {
      params: parsePart("params", route, params),
      query: parsePart("query", route, query),
      request: route.request === undefined ? undefined : parsePart("request", route, await readJson(request)),
      bytes: boundedBody(request, "artifact.too-large"),
      get signal() {
        return exchange.signal;
      },
    };
    const result = operation(call as Call<RouteName>);
    if (route.form === "json-lines")
      return answerJsonLines(response, result as AsyncIterable<unknown>, exchange.signal, report);
    const value = await result;
    if (route.form === "bytes") return answerBytes(response, value as ArtifactContent);
    if (route.form === "text") answer(response, "text/plain; charset=utf-8", String(value));
    else if (route.form === "none") answer(response);
    else answer(response, "application/json", JSON.stringify(value));
  };
}

function onlyWebSocket(): Promise<never> {
  return Promise.reject(
    new ConstellationError("request.invalid", "exec is served as a WebSocket, but the request is a plain one", {
      remedy: "Use `constellation exec` or a WebSocket client.",
    }),
  );
}

const noRoute = (method: string, path: string): ConstellationError =>
  new ConstellationError("route.not-found", `The API has no ${method} ${path.slice(0, 200)}`, {
    remedy: "`constellation openapi` prints what it has.",
  });
