import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { metricBounds, MetricTable } from "./metric-lines.ts";

const maxConnections = 8;
/** Bytes that one connection is heard per second; a faster one waits, which costs it and not us. */
const bytesPerSecond = 64 * 1024;

/**
 * The Unix stream socket on which an instance pushes numbers, one `name=value` a line; the last value of a name counts.
 * It belongs to this daemon and is opened again by the next: a program that pushes must live with a broken connection.
 */
export class MetricSocket {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #table = new MetricTable();

  private constructor(server: Server) {
    this.#server = server;
    server.maxConnections = maxConnections;
    server.on("connection", (socket) => this.#hear(socket));
  }

  /** Listens at `path`, in place of whatever an earlier daemon left there. @throws Error of the system */
  static async open(path: string): Promise<MetricSocket> {
    rmSync(path, { force: true });
    const server = createServer();
    const socket = new MetricSocket(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    // A failed accept (no descriptors left) is not worth more than the connection.
    server.on("error", () => {});
    server.unref();
    chmodSync(path, 0o666);
    return socket;
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
  if (bytes < 1024) return;
  socket.pause();
  setTimeout(() => socket.resume(), (bytes / bytesPerSecond) * 1000).unref();
}
