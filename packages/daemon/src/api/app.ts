import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { ConstellationError, type Route, type RouteName, routes } from "@constellation/contract";
import { TrieRouter } from "hono/router/trie-router";
import type { Platform } from "../platform/index.ts";
import { answer, answerLines, refuse } from "./answer.ts";
import { boundedBody, readJson } from "./body.ts";
import { publicError, type ReportFault } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { type Call, type Operations, operations } from "./operations.ts";
import { parsePart } from "./parse.ts";
import { decodeWord, readTarget, type Target } from "./target.ts";

type Operation = (call: Call<RouteName>) => Promise<unknown> | AsyncIterable<unknown>;
type Handler = (params: Record<string, string>, target: Target, exchange: Exchange) => Promise<void>;

/** One request with its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller is gone or the server closes. */
  readonly stop: AbortController;
}

/**
 * The API as what a server of `node:http` calls: every route of the contract over `platform`. Requests and answers stay
 * Node's own objects: those of the web would load all of `fetch` into a daemon that never fetches.
 *
 * @param closing ends streams when the server closes
 */
export function createApi(platform: Platform, report: ReportFault, closing: AbortSignal): RequestListener {
  const router = routerOf(operations(platform), report);
  const open = new Set<AbortController>();
  closing.addEventListener("abort", () => open.forEach((stop) => stop.abort()));
  return (request, response) => {
    const stop = new AbortController();
    open.add(stop);
    response.once("close", () => {
      open.delete(stop);
      if (!response.writableFinished) stop.abort();
    });
    if (closing.aborted) stop.abort();
    serve(router, { request, response, stop }).catch((error: unknown) =>
      refuse(request, response, publicError(error, report)),
    );
  };
}

function routerOf(handlers: Partial<Operations>, report: ReportFault): TrieRouter<Handler> {
  const router = new TrieRouter<Handler>();
  for (const [name, route] of Object.entries<Route>(routes)) {
    const operation = handlers[name as keyof Operations] as Operation | undefined;
    router.add(route.method, route.path, operation === undefined ? onlyWebSocket : handle(route, operation, report));
  }
  return router;
}

async function serve(router: TrieRouter<Handler>, exchange: Exchange): Promise<void> {
  const { method = "GET", url = "/" } = exchange.request;
  const target = readTarget(url);
  // A GET route answers HEAD, too: Node leaves the body out.
  const [found] = [
    ...router.match(method, target.path)[0],
    ...(method === "HEAD" ? router.match("GET", target.path)[0] : []),
  ];
  if (found === undefined) throw noRoute(method, target.path);
  const [handler, params] = found;
  await handler(params as Record<string, string>, target, exchange);
}

function handle(route: Route, operation: Operation, report: ReportFault): Handler {
  return async (params, { query }, { request, response, stop }) => {
    const call = {
      params: parsePart("params", route, decoded(params)),
      query: parsePart("query", route, query),
      request: route.request === undefined ? undefined : parsePart("request", route, await readJson(request)),
      bytes: boundedBody(request, "artifact.too-large"),
      signal: stop.signal,
    };
    const result = operation(call as Call<RouteName>);
    if (route.form === "json-lines")
      return answerLines(response, jsonLines(result as AsyncIterable<unknown>, stop.signal, report));
    const value = await result;
    if (route.form === "text") answer(response, "text/plain; charset=utf-8", String(value));
    else if (route.form === "none") answer(response);
    else answer(response, "application/json", JSON.stringify(value));
  };
}

const decoded = (params: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeWord(value)]));

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
