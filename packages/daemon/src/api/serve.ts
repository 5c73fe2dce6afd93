import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { ConstellationError } from "@constellation/contract";
import type { Platform } from "../platform/index.ts";
import { createApi } from "./app.ts";
import { claimSocket } from "./claim-socket.ts";
import { keepSocket } from "./keep-socket.ts";
import type { ExecSockets } from "./exec-socket.ts";
import { publicError, type ReportFault } from "./failure.ts";

/** The words of `exec` travel in the first line of its request; Node's own bound of 16 kB is soon reached by a script for a shell. */
const maxHeadBytes = 1_000_000;

/** Where and how the API is served. */
export interface ServeOptions {
  readonly socketPath: string;
  /** Takes faults of ours to the log. */
  readonly report: ReportFault;
  /** Takes to the log what is worth a line. @default nobody is told */
  readonly tell?: (text: string, error?: unknown) => void;
  /** How often it is looked whether somebody has deleted the socket. @default 2000 */
  readonly lookForSocketMs?: number;
  /** Called after each call that was answered. @default nobody is told */
  readonly worked?: () => void;
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
  const {
    socketPath,
    report,
    tell = () => undefined,
    lookForSocketMs,
    worked,
    maxConnections = 512,
    headersTimeoutMs = 10_000,
    requestTimeoutMs = 120_000,
  } = options;
  const closing = new AbortController();
  const server = createServer(
    {
      maxHeaderSize: maxHeadBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1000,
    },
    createApi(platform, report, closing.signal, worked),
  );
  server.maxConnections = maxConnections;
  server.on("clientError", refuseGarbage);
  let sockets: Promise<ExecSockets> | null = null;
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    // WebSockets are 3 MB of code that most daemons never need.
    sockets ??= import("./exec-socket.ts").then(({ execSockets }) => execSockets(platform, report, closing.signal));
    sockets
      .then(({ accept }) => accept(request, socket, head))
      .catch((error: unknown) => {
        publicError(error, report);
        socket.destroy();
      });
  });
  await claimSocket(server, socketPath);
  const letGo = keepSocket(server, { path: socketPath, tell, everyMs: lookForSocketMs });
  return {
    close: (graceMs) => {
      letGo();
      return close(server, () => void sockets?.then(({ cut }) => cut()), closing, graceMs);
    },
  };
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

async function close(server: Server, cutSockets: () => void, closing: AbortController, graceMs: number): Promise<void> {
  closing.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    server.closeAllConnections();
    cutSockets();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
