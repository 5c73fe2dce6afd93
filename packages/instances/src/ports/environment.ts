import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PortBinding } from "../driver/port-binding.ts";

/** First descriptor that a program inherits (sd_listen_fds(3): SD_LISTEN_FDS_START). */
const firstDescriptor = 3;

/** A listening socket that must be open in the program when it starts. */
export interface InheritedSocket {
  readonly fd: number;
  /** Control socket of the port process. */
  readonly socketFile: string;
  /** What to send there; the answer is one line, with the descriptor as SCM_RIGHTS. */
  readonly request: string;
}

/** What an instance must be started with, so that its program finds its ports. */
export interface PortEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  readonly sockets: readonly InheritedSocket[];
}

/** How the program is going to run. */
export interface PortEnvironmentOptions {
  /** Pid of the program as it sees itself; null when it cannot be known before the start. @default 2 (the child of the instance's init) */
  readonly workloadPid?: number | null;
  /** Where the program finds {@link listenPreload}; null when it is not Node. @default null */
  readonly preloadFile?: string | null;
  /**
   * Folder, writable for the program, in which a Node program opens `<name>.sock` for each shared port: it leads to this
   * very instance. null: none. @default null
   */
  readonly doorFolder?: string | null;
  /** `NODE_OPTIONS` that the spec names, to be kept. @default "" */
  readonly nodeOptions?: string;
  /** How long the preload lets open requests finish after SIGTERM when the program itself does not handle it. @default 5000 */
  readonly drainMs?: number;
}

/** The Node preload that puts `server.listen(port)` on the inherited socket; the folder around it must be readable inside the instance. */
export const listenPreload = fileURLToPath(new URL("../../preload/listen.cjs", import.meta.url));

/**
 * The environment and the sockets of an instance: `PORT` is its first port, `<NAME>_PORT` each of them; shared ports
 * come as descriptors from 3 on with `LISTEN_FDS`, `LISTEN_FDNAMES` and `LISTEN_PID` as systemd passes them.
 *
 * Behind those, a Node program gets each descriptor once more: Node closes a descriptor with its server, and a program
 * that closes its server and listens again, or listens on `localhost` twice, needs a second one.
 */
export function portEnvironment(
  ports: readonly PortBinding[],
  {
    workloadPid = 2,
    preloadFile = null,
    doorFolder = null,
    nodeOptions = "",
    drainMs = 5000,
  }: PortEnvironmentOptions = {},
): PortEnvironment {
  const shared = ports.filter((port) => port.mode === "shared");
  const copies = preloadFile === null ? 1 : 2;
  const sockets = Array.from({ length: copies }, () => shared)
    .flat()
    .map(({ socketFile }, at) => ({ fd: firstDescriptor + at, socketFile, request: "descriptor\n" }));
  const [first] = ports;
  return {
    sockets,
    variables: {
      ...(first ? { PORT: String(first.port) } : {}),
      ...Object.fromEntries(ports.map((port) => [variableOf(port.name), String(port.port)])),
      ...(shared.length === 0
        ? {}
        : {
            LISTEN_FDS: String(shared.length),
            LISTEN_FDNAMES: shared.map((port) => port.name).join(":"),
            ...(workloadPid === null ? {} : { LISTEN_PID: String(workloadPid) }),
          }),
      ...(shared.length === 0 || preloadFile === null
        ? {}
        : preloading(shared, sockets, { preloadFile, doorFolder, nodeOptions, drainMs })),
    },
  };
}

/** Sockets that a program with these ports inherits at most. */
export const mostSockets = (ports: readonly PortBinding[]): number =>
  2 * ports.filter(({ mode }) => mode === "shared").length;

type Preloading = Required<Omit<PortEnvironmentOptions, "workloadPid" | "preloadFile">> & {
  readonly preloadFile: string;
};

/** What the preload reads, and takes out of the environment again (preload/listen.cjs). */
function preloading(
  shared: readonly PortBinding[],
  sockets: readonly InheritedSocket[],
  { preloadFile, doorFolder, nodeOptions, drainMs }: Preloading,
) {
  const option = `--require ${JSON.stringify(preloadFile)}`;
  const ports = shared.map(({ name, port }, at) => ({
    port,
    ...(doorFolder === null ? {} : { door: join(doorFolder, `${name}.sock`) }),
    fds: sockets.filter((_, n) => n % shared.length === at).map(({ fd }) => fd),
  }));
  return {
    CONSTELLATION_LISTEN: JSON.stringify({ drainMs, option, ports }),
    NODE_OPTIONS: `${nodeOptions} ${option}`.trim(),
  };
}

const variableOf = (name: string) => `${name.toUpperCase().replaceAll("-", "_")}_PORT`;
