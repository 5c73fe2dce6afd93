import { parentPort, Worker, type MessagePort, type WorkerOptions } from "node:worker_threads";
import { asError } from "../vocabulary/as-error.ts";
import type { Behavior } from "../vocabulary/behavior.ts";
import { connect, type Connection, type ConnectOptions } from "../remote/connection.ts";
import { PortTransport, type PortLike } from "../remote/port-transport.ts";
import { ActorSystem, type SystemOptions } from "../system/system.ts";

/** A worker thread with an actor system of its own, and the connection to it. */
export interface WorkerNode {
  readonly worker: Worker;
  readonly connection: Connection;
  /** Ends the thread, at once. */
  terminate(): Promise<void>;
}

/**
 * Starts the module `url` as a worker thread, and waits until its system has said hello; the module calls `serve`.
 * @throws Error when the thread ends first, or the two do not fit; the thread is ended then.
 */
export async function startWorker(
  system: ActorSystem,
  url: URL,
  options: WorkerOptions & Partial<ConnectOptions> = {},
): Promise<WorkerNode> {
  const worker = new Worker(url, options);
  const connection = connect(system, new PortTransport(portOf(worker)), options);
  try {
    await connection.ready;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    worker,
    connection,
    terminate: async () => {
      connection.close();
      await worker.terminate();
    },
  };
}

export type ServeOptions = SystemOptions & Pick<Partial<ConnectOptions>, "token" | "inFlight">;

/** The system of a worker thread, and its connection to the thread that started it. */
export interface ServedSystem {
  readonly system: ActorSystem;
  readonly connection: Connection;
}

/**
 * Inside a worker thread: makes a system that the parent thread can spawn these behaviours in.
 * @throws Error outside of a worker thread
 */
export function serve(
  spawnable: Readonly<Record<string, Behavior<never, never>>>,
  options: ServeOptions = {},
): ServedSystem {
  if (parentPort === null) throw new Error("Cannot serve actors to a parent thread: this is no worker thread");
  return serveOn(parentPort, spawnable, options);
}

/** The same over any port. */
export function serveOn(
  port: MessagePort,
  spawnable: Readonly<Record<string, Behavior<never, never>>>,
  options: ServeOptions,
): ServedSystem {
  const system = new ActorSystem({ name: "worker", ...options });
  const { token = "", inFlight = 65_536 } = options;
  const connection = connect(system, new PortTransport(portOf(port)), { spawnable, token, inFlight });
  void stopWith(system, connection, port);
  return { system, connection };
}

/** Nobody is left to talk to: end, so that the thread can. */
async function stopWith(system: ActorSystem, connection: Connection, port: MessagePort): Promise<void> {
  await connection.closed;
  await system.shutdown();
  port.close();
}

/** What the port transport needs, from Node's kinds of ports: they tell of an end in their own ways. */
function portOf(port: Worker | MessagePort): PortLike {
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port or worker, not a window
    postMessage: (message) => port.postMessage(message),
    addEventListener: (type, listener) => {
      const emitter: { on(event: string, listen: (value: unknown) => void): unknown } = port;
      if (type === "error") emitter.on("error", (error) => listener({ message: asError(error).message }));
      else emitter.on(type === "close" && port instanceof Worker ? "exit" : type, (data) => listener({ data }));
    },
  };
}
