import { asError } from "../vocabulary/as-error.ts";
import { connect as open, createServer, type Server, type Socket } from "node:net";
import { FrameReader, writeFrame } from "../remote/frame.ts";
import type { Packet } from "../remote/packet.ts";
import type { Codec, Transport, TransportEvents } from "../remote/transport.ts";
import { cloneCodec } from "./clone-codec.ts";

/** Carries frames over a stream socket. */
export class SocketTransport implements Transport {
  readonly check?: (message: unknown) => void;
  readonly #socket: Socket;
  readonly #codec: Codec;

  constructor(socket: Socket, codec: Codec = cloneCodec) {
    this.#socket = socket;
    this.#codec = codec;
    if (codec.check !== undefined) this.check = (message) => codec.check?.(message);
  }

  open(events: TransportEvents): void {
    const reader = new FrameReader(this.#codec);
    let cause: Error | null = null;
    this.#socket.on("data", (piece) => {
      try {
        const packets = reader.read(piece);
        if (packets.length > 0) events.packets(packets);
      } catch (error) {
        this.#socket.destroy(asError(error));
      }
    });
    this.#socket.on("error", (error) => (cause = error));
    this.#socket.on("close", () => events.closed(cause));
  }

  send(packets: readonly Packet[]): void {
    this.#socket.write(writeFrame(this.#codec, packets));
  }

  close(): void {
    this.#socket.end();
    // Whoever does not close its side in return is not waited for.
    this.#socket.setTimeout(1000, () => this.#socket.destroy());
  }
}

/** Opens a transport to whoever listens on the Unix socket `path`. @throws Error when nobody does */
export function connectSocket(path: string, codec?: Codec): Promise<SocketTransport> {
  return new Promise((resolve, reject) => {
    const socket = open(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new SocketTransport(socket, codec));
    });
  });
}

/** A listening Unix socket. */
export interface SocketListener {
  /** Stops listening; connections that were made live on. */
  close(): Promise<void>;
}

/** Listens on the Unix socket `path`, readable and writable by its owner only. @throws Error when it cannot */
export function listenSocket(
  path: string,
  accept: (transport: SocketTransport) => void,
  codec?: Codec,
): Promise<SocketListener> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => accept(new SocketTransport(socket, codec)));
    server.once("error", reject);
    // Until the mode is set below nobody else may come in: the mask makes it so from the first moment.
    const mask = process.umask(0o177);
    server.listen(path, () => resolve({ close: () => closeServer(server) }));
    process.umask(mask);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}
