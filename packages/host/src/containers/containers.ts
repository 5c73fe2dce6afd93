import { HostError } from "../failure.ts";
import { askEngine, type EngineAnswer, type EngineCall } from "./engine-request.ts";
import type { EngineSocket } from "./engine-socket.ts";

/** A container as its engine lists it. */
export interface Container {
  readonly engine: EngineSocket;
  readonly id: string;
  readonly names: readonly string[];
  readonly image: string;
  /** "running", "exited", "paused", … in the engine's words. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether an engine answers, and as what. */
export type EngineState =
  | { readonly kind: "answering"; readonly version: string }
  | { readonly kind: "silent"; readonly reason: string };

/** Asks an engine for its version; a socket that nobody serves is `silent`. */
export async function probeEngine(socket: EngineSocket, call: EngineCall = {}): Promise<EngineState> {
  try {
    const answer = await askEngine(socket, "GET", "/version", { timeoutMs: 2000, ...call });
    const version = fieldsOf(parseBody(socket, answer))["Version"];
    return typeof version === "string"
      ? { kind: "answering", version }
      : { kind: "silent", reason: `${socket.path} answered ${answer.status} without a version` };
  } catch (error) {
    return { kind: "silent", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Lists containers, stopped ones too, that carry all the labels. @throws HostError container-engine-failed, timed-out */
export async function listContainers(
  socket: EngineSocket,
  labels: Readonly<Record<string, string>>,
  call: EngineCall = {},
): Promise<Container[]> {
  const filters = JSON.stringify({ label: Object.entries(labels).map(([key, value]) => `${key}=${value}`) });
  const path = `/containers/json?all=true&filters=${encodeURIComponent(filters)}`;
  const rows = parseBody(socket, await askEngine(socket, "GET", path, call));
  if (!Array.isArray(rows))
    throw new HostError(
      "container-engine-failed",
      `Cannot list containers of ${socket.engine}: wanted a list, got ${typeof rows}`,
    );
  return rows.map((row) => containerOf(socket, row)).filter((each) => hasLabels(each, labels));
}

/** Stops a container: its stop signal, after `graceMs` SIGKILL. One that is gone or stopped is no failure. */
export async function stopContainer(container: Container, graceMs: number, call: EngineCall = {}): Promise<void> {
  const seconds = Math.max(0, Math.ceil(graceMs / 1000));
  const answer = await askEngine(container.engine, "POST", `/containers/${container.id}/stop?t=${seconds}`, {
    timeoutMs: graceMs + 10_000,
    ...call,
  });
  refuseUnless(container, "stop", answer, [204, 304, 404]);
}

/** Removes a container, killing it first if it runs, with its anonymous volumes. One that is gone is no failure. */
export async function removeContainer(container: Container, call: EngineCall = {}): Promise<void> {
  const answer = await askEngine(container.engine, "DELETE", `/containers/${container.id}?force=true&v=true`, call);
  refuseUnless(container, "remove", answer, [200, 204, 404]);
}

function refuseUnless(container: Container, action: string, answer: EngineAnswer, accepted: readonly number[]): void {
  if (accepted.includes(answer.status)) return;
  const name = container.names[0] ?? container.id.slice(0, 12);
  throw new HostError(
    "container-engine-failed",
    `Cannot ${action} container ${name}: ${container.engine.engine} answered ${answer.status} ${answer.body.slice(0, 200)}`,
  );
}

function containerOf(engine: EngineSocket, row: unknown): Container {
  const fields = fieldsOf(row);
  const id = fields["Id"];
  if (typeof id !== "string" || !/^[0-9a-f]{12,64}$/.test(id))
    throw new HostError(
      "container-engine-failed",
      `Cannot read a container of ${engine.engine}: wanted an Id in hexadecimal, got ${JSON.stringify(id)}`,
    );
  const names = Array.isArray(fields["Names"]) ? fields["Names"].filter((each) => typeof each === "string") : [];
  return {
    engine,
    id,
    names: names.map((name) => name.replace(/^\//, "")),
    image: text(fields["Image"]),
    state: text(fields["State"]),
    labels: Object.fromEntries(Object.entries(fieldsOf(fields["Labels"])).map(([key, value]) => [key, text(value)])),
  };
}

/** The engine filters too; asking again here means that a filter it does not know cannot hand us foreign containers. */
function hasLabels(container: Container, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => container.labels[key] === value);
}

function parseBody(socket: EngineSocket, answer: EngineAnswer): unknown {
  if (answer.status !== 200)
    throw new HostError(
      "container-engine-failed",
      `${socket.engine} on ${socket.path} answered ${answer.status}: ${answer.body.slice(0, 200)}`,
    );
  try {
    return JSON.parse(answer.body) as unknown;
  } catch (error) {
    throw new HostError(
      "container-engine-failed",
      `${socket.engine} on ${socket.path} answered no JSON: ${answer.body.slice(0, 200)}`,
      { cause: error },
    );
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
