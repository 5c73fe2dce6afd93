import type { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import { ConstellationError, decodeExecFrame, encodeExecFrame, type ExecFrame, routes } from "@constellation/contract";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { ExecRequest, ExecSession, Platform } from "../platform/index.ts";
import { publicError, type ReportFault } from "./failure.ts";
import { parsePart } from "./parse.ts";
import { decodeWord, readTarget, type Target } from "./target.ts";

/** Longest frame a caller may send. */
const maxFrameBytes = 1_000_000;
/** While a program does not read its input the socket is paused and cannot tell that the caller left; a ping can. */
const pingEveryMs = 5000;

/** The WebSockets of `exec`. */
export interface ExecSockets {
  /** Answers an HTTP upgrade: `exec` of an instance, anything else is refused. */
  readonly accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends every connection at once. */
  readonly cut: () => void;
}

/** Serves `exec` over WebSockets. */
export function execSockets(platform: Platform, report: ReportFault, closing: AbortSignal): ExecSockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
  const pattern = new RegExp(`^${routes.exec.path.replace(":instance", "([^/]+)")}$`, "u");
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { path, query } = readTarget(request.url ?? "/");
    const instance = pattern.exec(path)?.[1];
    if (instance === undefined || request.method !== "GET" || closing.aborted) {
      // Whoever never closes its own half would keep the server from closing.
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", () => socket.destroy());
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      void serveExec(webSocket, platform, closing, report, () => parseExec(instance, query));
    });
  };
  return { accept, cut: () => server.clients.forEach((client) => client.terminate()) };
}

function parseExec(instance: string, search: Target["query"]): { instance: string; request: ExecRequest } {
  const params = parsePart("params", routes.exec, { instance: decodeWord(instance) });
  const query = parsePart("query", routes.exec, search) as {
    argv: string;
    tty?: boolean;
    columns?: number;
    rows?: number;
  };
  const { tty = false, columns = 80, rows = 24 } = query;
  return {
    instance: (params as { instance: string }).instance,
    request: { argv: readArgv(query.argv), tty, columns, rows },
  };
}

function readArgv(text: string): string[] {
  let argv: unknown;
  try {
    argv = JSON.parse(text);
  } catch {
    argv = undefined;
  }
  if (Array.isArray(argv) && argv.length > 0 && argv.every((word) => typeof word === "string" && !word.includes("\0")))
    return argv as string[];
  throw new ConstellationError(
    "request.invalid",
    `exec got argv ${text.slice(0, 60)}; it must be a JSON array of text`,
  );
}

/** One exec from its first frame to its last; never rejects. */
async function serveExec(
  socket: WebSocket,
  platform: Platform,
  closing: AbortSignal,
  report: ReportFault,
  parse: () => { instance: string; request: ExecRequest },
): Promise<void> {
  const gone = new AbortController();
  socket.on("close", () => gone.abort());
  socket.on("error", () => socket.terminate());
  socket.pause();
  const heartbeat = setInterval(() => socket.ping(), pingEveryMs);
  const signal = AbortSignal.any([gone.signal, closing]);
  try {
    const { instance, request } = parse();
    const session = await platform.exec(instance, request, { signal });
    const leave = (): void => void session.close();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      takeInput(socket, session, report);
      for await (const { stream, bytes } of session.output) await send(socket, { type: stream, bytes });
      await send(socket, { type: "exit", ...(await session.exit) });
    } finally {
      signal.removeEventListener("abort", leave);
      await session.close();
    }
  } catch (error) {
    if (!gone.signal.aborted)
      await send(socket, { type: "error", error: publicError(error, report).toJSON() }).catch(() => undefined);
  } finally {
    clearInterval(heartbeat);
    socket.resume();
    socket.close(1000);
  }
}

/**
 * Gives the caller's frames to the program one after the other; the socket waits while the program does not read. Waiting holds
 * back the connection alone: frames that came together are told together, the end of the input right behind its last bytes.
 */
function takeInput(socket: WebSocket, session: ExecSession, report: ReportFault): void {
  let taken = Promise.resolve();
  let waiting = 0;
  const take = async (data: RawData): Promise<void> => {
    try {
      await takeFrame(session, toBytes(data));
    } catch (error) {
      const { code, message } = publicError(error, report);
      socket.close(code === "internal.bug" ? 1011 : 1008, message.slice(0, 100));
    }
    waiting -= 1;
    if (waiting === 0) socket.resume();
  };
  socket.on("message", (data: RawData) => {
    socket.pause();
    waiting += 1;
    taken = taken.then(() => take(data));
  });
  socket.resume();
}

async function takeFrame(session: ExecSession, bytes: Uint8Array): Promise<void> {
  const frame = decodeExecFrame(bytes);
  if (frame.type === "stdin") await session.write(frame.bytes);
  else if (frame.type === "stdin-end") session.endInput();
  else if (frame.type === "resize") session.resize(frame.columns, frame.rows);
  else if (frame.type === "signal") session.signal(frame.signal);
  else throw new ConstellationError("request.invalid", `The caller of exec sent a frame "${frame.type}"`);
}

const toBytes = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data;

/** Resolves when the frame has left, so that a slow caller slows the program. */
const send = (socket: WebSocket, frame: ExecFrame): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.send(encodeExecFrame(frame), (error) => (error == null ? resolve() : reject(error)));
  });
