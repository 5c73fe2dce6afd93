// A TCP echo server in which every connection is an actor. A connection that crashes closes its own socket and
// nothing else; a listener that crashes is started again on the same port.
import { createServer, type Server, type Socket } from "node:net";
import {
  actor,
  child,
  supervise,
  supervisor,
  type ActorSystem,
  type Context,
  type DynamicSupervisor,
  type Supervisor,
} from "@constellation/actors";

type ConnectionMessage = { readonly type: "data"; readonly bytes: Buffer } | { readonly type: "closed" };

const connection = actor({
  kind: "connection",
  onStart(socket: Socket, context: Context<ConnectionMessage>) {
    socket.on("data", (bytes: Buffer) => {
      // A client that sends faster than it is served is made to wait.
      socket.pause();
      context.self.send({ type: "data", bytes });
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => context.self.send({ type: "closed" }));
    socket.resume();
    return socket;
  },
  receive(socket, message: ConnectionMessage, context) {
    if (message.type === "closed") {
      context.stop();
      return;
    }
    if (message.bytes.includes("crash\n")) throw new Error("a client sent poison");
    socket.write(message.bytes, () => socket.resume());
  },
  onStop: (socket) => void socket.destroy(),
});

interface ListenerArgs {
  readonly port: number;
  readonly accept: (socket: Socket) => void;
  readonly listening: (port: number) => void;
}

const listener = actor({
  kind: "listener",
  async onStart({ port, accept, listening }: ListenerArgs, context: Context<Error>) {
    const server = createServer({ pauseOnConnect: true }, accept);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    server.on("error", (error) => context.self.send(error));
    listening((server.address() as { port: number }).port);
    return server;
  },
  receive(_server, error: Error) {
    throw error;
  },
  onStop: (server) => close(server),
});

function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

export interface EchoServer {
  readonly port: number;
  readonly tree: Supervisor;
  readonly connections: DynamicSupervisor<ConnectionMessage, Socket>;
}

/** Starts the server on a port of 127.0.0.1; 0 picks a free one. */
export async function startEchoServer(system: ActorSystem, port = 0): Promise<EchoServer> {
  const connections = await supervise(
    system,
    supervisor({
      kind: "connections",
      strategy: "simple_one_for_one",
      child: { start: connection, restart: "temporary" },
    }),
  );
  let bound = port;
  const accept = (socket: Socket): void => void connections.startChild(socket);
  const args: ListenerArgs = {
    get port() {
      return bound;
    },
    accept,
    listening: (actual) => (bound = actual),
  };
  const tree = await supervise(
    system,
    supervisor({
      kind: "echo",
      intensity: { restarts: 5, periodMs: 1000 },
      children: [child({ id: "listener", name: "listener", start: listener, args })],
    }),
  );
  return { port: bound, tree, connections };
}
