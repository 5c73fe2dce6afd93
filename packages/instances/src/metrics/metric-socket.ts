import { chmodSync, chownSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { metricBounds, MetricTable } from "./metric-lines.ts";

const maxConnections = 8;
/** Bytes that one connection is heard per second; a faster one waits, which costs it and not us. */
const bytesPerSecond = 64 * 1024;
/** What each read costs at least, however little comes with it. */
const leastBytes = 1024;
/** Connections of one second; after more of them nobody can connect for the next one. */
const mostPerSecond = 64;
const restMs = 1000;

/**
 * The Unix stream socket on which an instance pushes numbers, one `name=value` a line; the last value of a name counts.
 * It belongs to this daemon and is opened again by the next: a program that pushes must live with a broken connection.
 */
export class MetricSocket {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #table = new MetricTable();

  readonly #path: string;
  readonly #owner: number | null;
  #secondMs = 0;
  #ofSecond = 0;
  #rest: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(server: Server, path: string, owner: number | null) {
    this.#server = server;
    this.#path = path;
    this.#owner = owner;
    server.maxConnections = maxConnections;
    server.on("connection", (socket) => {
      this.#count();
      this.#hear(socket);
    });
    server.on("drop", () => this.#count());
    server.on("listening", () => this.#openToOwner());
  }

  /**
   * Listens at `path`, in place of whatever an earlier daemon left there.
   *
   * @param owner the only user, besides root, who may push; null: ours
   * @throws Error of the system
   */
  static async open(path: string, owner: number | null = null): Promise<MetricSocket> {
    // Paused, it keeps what it has read already: the next piece, and nothing behind it.
    const server = createServer({ highWaterMark: 1 });
    const socket = new MetricSocket(server, path, owner);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", resolve);
      socket.#listen();
    });
    // A failed accept (no descriptors left) is not worth more than the connection.
    server.on("error", () => server.listening || socket.#listenLater());
    return socket;
  }

  #listen(): void {
    rmSync(this.#path, { force: true });
    this.#server.listen(this.#path);
  }

  #openToOwner(): void {
    this.#server.unref();
    try {
      // Instances that share the machine's file tree find each other's.
      chmodSync(this.#path, 0o600);
      if (this.#owner !== null) chownSync(this.#path, this.#owner, this.#owner);
    } catch {
      this.#restAWhile();
    }
  }

  #restAWhile(): void {
    this.#server.close();
    this.#listenLater();
  }

  /** What fails then (no descriptors left, the folder is gone) is tried again after the next rest. */
  #listenLater(): void {
    if (this.#rest !== null || this.#closed) return;
    this.#rest = setTimeout(() => {
      this.#rest = null;
      try {
        this.#listen();
      } catch {
        this.#listenLater();
      }
    }, restMs).unref();
  }

  /** To take a connection costs us more than to make one costs the program. */
  #count(): void {
    const nowMs = performance.now();
    if (nowMs - this.#secondMs > 1000) {
      this.#secondMs = nowMs;
      this.#ofSecond = 0;
    }
    this.#ofSecond += 1;
    if (this.#ofSecond > mostPerSecond && this.#rest === null) this.#restAWhile();
  }

  /** What was pushed so far. */
  values(): Record<string, number> {
    return this.#table.snapshot();
  }

  /** Lines that could not be taken. */
  get refused(): number {
    return this.#table.refused;
  }

  close(): void {
    this.#closed = true;
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #hear(socket: Socket): void {
    this.#connections.add(socket);
    socket.unref();
    let rest = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") this.#table.take(line);
      if (rest.length > metricBounds.lineBytes) {
        this.#table.refused += 1;
        socket.destroy();
      } else breathe(socket, chunk.length);
    });
    socket.on("end", () => rest !== "" && this.#table.take(rest));
    socket.on("error", () => {});
    socket.on("close", () => this.#connections.delete(socket));
  }
}

/** Hears no more of a connection for as long as its bytes are worth. */
function breathe(socket: Socket, bytes: number): void {
  socket.pause();
  setTimeout(() => socket.resume(), (Math.max(bytes, leastBytes) / bytesPerSecond) * 1000).unref();
}
