import { type Agent, get } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";

/** One request on a connection of its own, unless an agent keeps some; resolves to the body. */
export function fetchText(port: number, path = "/", host = "127.0.0.1", agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, path, host, agent: agent ?? false }, (response) => {
      response.toArray().then((chunks) => resolve(chunks.join("")), reject);
    }).on("error", reject);
  });
}

/** Asks one instance by the Unix socket that it opened in its folder. */
export function fetchByDoor(folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath: join(folder, "http.sock"), path: "/", agent: false }, (response) => {
      response.toArray().then((chunks) => resolve(chunks.join("")), reject);
    }).on("error", reject);
  });
}

/** A TCP server in this process, closed with everything it accepted. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export async function listen(onSocket: (socket: Socket) => void, port = 0, address = "127.0.0.1"): Promise<Backend> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    onSocket(socket);
  }).listen(port, address);
  await once(server, "listening");
  return {
    address,
    port: (server.address() as { port: number }).port,
    server,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

export const echo = (socket: Socket) => void socket.pipe(socket);

export async function open(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** Sends everything, closes its half, and reads to the end. */
export async function exchange(port: number, data: Uint8Array): Promise<Buffer> {
  const socket = await open(port);
  socket.end(data);
  return Buffer.concat((await socket.toArray()) as Buffer[]);
}
