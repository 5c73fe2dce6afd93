import { Agent, type IncomingMessage, request } from "node:http";
import {
  apiVersion,
  apiVersionHeader,
  checkBodySize,
  ConstellationError,
  endpoints,
  type RouteName,
} from "@constellation/contract";
import { asJson } from "./as-json.ts";
import { unreachable } from "./unreachable.ts";
import { whenAborted } from "./when-aborted.ts";

/** What a call carries. */
export interface CallInput {
  readonly params?: Readonly<Record<string, string>>;
  /** Values that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON, or as they are when bytes. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** How long the answer of a call that only reads may take to begin; changes are bounded by the daemon. @default 30000 */
  readonly answerTimeoutMs?: number;
}

/**
 * Calls that are answered at once take turns: a daemon serves 512 connections and closes what is more, which streams need
 * too.
 */
const inTurn = new Agent({ maxSockets: 256 });

/** Asking which daemon it is and ending it stay as they are, so that every version can take another's place. */
const timeless: ReadonlySet<RouteName> = new Set<RouteName>(["version", "stopDaemon"]);

/**
 * Calls the daemon and resolves with its answer once the headers are there and say that it went well.
 *
 * @throws ConstellationError what the daemon answered; `daemon.unreachable`, `daemon.incompatible`, `call.cancelled`, `call.timeout`
 */
export async function callDaemon(socketPath: string, name: RouteName, input: CallInput = {}): Promise<IncomingMessage> {
  const response = await send(socketPath, name, input);
  checkVersion(response, name);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw await readError(response, name);
}

/** Reads a JSON answer. Its shape is trusted: the daemon speaks the same version of the API. @throws as {@link readText} */
export async function readJson<T>(response: IncomingMessage, signal?: AbortSignal): Promise<T> {
  return JSON.parse(await readText(response, signal)) as T;
}

/** Reads a whole answer as text. @throws as {@link readBytes} */
export async function readText(response: IncomingMessage, signal?: AbortSignal): Promise<string> {
  return (await readBytes(response, signal)).toString("utf8");
}

/** Reads a whole answer. @throws ConstellationError `daemon.unreachable` when it breaks off, `call.cancelled` */
export async function readBytes(response: IncomingMessage, signal?: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (cause) {
    if (signal?.aborted === true)
      throw new ConstellationError("call.cancelled", "The call was cancelled by its caller", { cause });
    throw new ConstellationError("daemon.unreachable", "The daemon ended its answer before it was complete", {
      cause,
      remedy: "See whether it runs with `constellation daemon status`.",
    });
  }
  return Buffer.concat(chunks);
}

/** Path and query of a call. @throws ConstellationError `usage.invalid` when a name is empty: it would be another call */
export function target(name: RouteName, { params = {}, query = {} }: CallInput): string {
  const path = endpoints[name].path.replace(/:(\w+)/g, (_, key: string) => {
    const value: unknown = params[key];
    if (typeof value === "string" && value !== "") return encodeURIComponent(value);
    throw new ConstellationError("usage.invalid", `The call "${name}" got ${JSON.stringify(value)} as its ${key}`, {
      remedy: "Give it a name; `constellation ps` lists what there is.",
    });
  });
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

async function send(socketPath: string, name: RouteName, input: CallInput): Promise<IncomingMessage> {
  const { body, signal, answerTimeoutMs = 30_000 } = input;
  const bytes = body instanceof Uint8Array ? body : body === undefined ? null : Buffer.from(asJson(body, name));
  checkBodySize(bytes?.byteLength ?? 0, body instanceof Uint8Array ? "artifact.too-large" : "spec.too-large");
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      method: endpoints[name].method,
      path: target(name, input),
      agent: endpoints[name].form === "json-lines" ? false : inTurn,
      headers: bytes === null ? {} : { "content-length": bytes.byteLength },
    });
    let limit: NodeJS.Timeout | undefined;
    // Its time begins with its turn.
    if (isRead(name))
      call.once("socket", () => {
        limit = setTimeout(() => call.destroy(late(name, answerTimeoutMs)), answerTimeoutMs);
      });
    const letGo = whenAborted(signal, () => call.destroy(cancelled(name, signal?.reason)));
    call.once("response", (response) => {
      clearTimeout(limit);
      resolve(response);
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof ConstellationError ? error : unreachable(socketPath, error));
    });
    call.once("close", () => {
      clearTimeout(limit);
      letGo();
    });
    call.end(bytes ?? undefined);
  });
}

function checkVersion(response: IncomingMessage, name: RouteName): void {
  const found = response.headers[apiVersionHeader];
  if (found === String(apiVersion) || (found !== undefined && timeless.has(name))) return;
  response.destroy();
  const spoken = found === undefined ? "no version of our API" : `version ${String(found)} of the API`;
  throw new ConstellationError("daemon.incompatible", `The daemon speaks ${spoken}, this client ${apiVersion}`, {
    remedy: "Restart it with `constellation daemon stop`; instances go on, the next command starts the new daemon.",
  });
}

/** What the daemon refused a call with. */
export async function readError(response: IncomingMessage, name: RouteName): Promise<ConstellationError> {
  const text = await readText(response);
  const { method, path } = endpoints[name];
  try {
    return ConstellationError.fromJSON(JSON.parse(text));
  } catch (cause) {
    const code = name === "hasArtifact" && response.statusCode === 404 ? "artifact.not-found" : "internal.bug";
    const found = `The daemon answered ${method} ${path} with ${response.statusCode ?? 0}`;
    return new ConstellationError(code, found, { cause });
  }
}

const cancelled = (name: RouteName, cause: unknown): ConstellationError =>
  new ConstellationError("call.cancelled", `The call "${name}" was cancelled by its caller`, { cause });

/** Whether a call changes nothing, so that it can be made again. */
export const isRead = (name: RouteName): boolean =>
  endpoints[name].method === "GET" || endpoints[name].method === "HEAD";

const late = (name: RouteName, afterMs: number): ConstellationError =>
  new ConstellationError("call.timeout", `The daemon has not answered the call "${name}" for ${afterMs / 1000} s`, {
    remedy: "It may be stopped, or the machine overloaded: look at it with `constellation daemon status`.",
  });
