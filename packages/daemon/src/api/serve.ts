import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ConstellationError } from "@constellation/contract";
import { getRequestListener } from "@hono/node-server";
import type { Platform } from "../platform/index.ts";
import { createApi } from "./app.ts";
import { claimSocket } from "./claim-socket.ts";
import { type ExecSockets, execSockets } from "./exec-socket.ts";
import { errorResponse, publicError, type ReportFault } from "./failure.ts";

/** Where and how the API is served. */
export interface ServeOptions {
  readonly socketPath: string;
  /** Takes faults of ours to the log. */
  readonly report: ReportFault;
  /** Connections at a time; more are closed at once. @default 512 */
  readonly maxConnections?: number;
  /** Time a caller has to send its headers. @default 10000 */
  readonly headersTimeoutMs?: number;
  /** Time a caller has to send its whole request, an artifact included. @default 120000 */
  readonly requestTimeoutMs?: number;
}

/** The API being served. */
export interface ApiServer {
  /** Takes no new calls, ends streams, waits up to `graceMs` for calls under way, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the API of `platform` on a Unix socket.
 *
 * @throws ConstellationError `daemon.busy`, `daemon.start-failed`
 */
export async function serveApi(platform: Platform, options: ServeOptions): Promise<ApiServer> {
  const { socketPath, report, maxConnections = 512, headersTimeoutMs = 10_000, requestTimeoutMs = 120_000 } = options;
  const closing = new AbortController();
  const api = createApi(platform, report, closing.signal);
  const listener = getRequestListener(api.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => errorResponse(publicError(error, report)),
  });
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, connectionsCheckingInterval: 1000 },
    (request: IncomingMessage, response: ServerResponse) => void listener(request, response),
  );
  server.maxConnections = maxConnections;
  server.on("clientError", refuseGarbage);
  const sockets = execSockets(platform, report, closing.signal);
  server.on("upgrade", sockets.accept);
  await claimSocket(server, socketPath);
  return { close: (graceMs) => close(server, sockets, closing, graceMs) };
}

/** What is not HTTP gets one answer and its connection is closed. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const answer = timedOut
    ? new ConstellationError("call.timeout", "The request was not sent in time")
    : new ConstellationError("request.invalid", `What was sent is not HTTP: ${error.message}`);
  const body = JSON.stringify(answer.toJSON());
  const status = timedOut ? "408 Request Timeout" : "400 Bad Request";
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

async function close(server: Server, sockets: ExecSockets, closing: AbortController, graceMs: number): Promise<void> {
  closing.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    server.closeAllConnections();
    sockets.cut();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
