import { listListeners } from "@constellation/host";
import { addressesOverlap, type Endpoint } from "./endpoint.ts";

/** A process that listens on a port. */
export interface PortOwner {
  readonly pid: number;
  /** Command line, words joined by blanks; without those that a process which names itself anew leaves at its end. */
  readonly command: string;
}

/**
 * Who listens in this machine's network namespace so that nobody else can listen on this address and port: null when nobody
 * does, an empty list when the descriptors of who does cannot be read (another user's process). Walks /proc: for error
 * messages, not for a loop.
 */
export function findPortOwners({ address, port }: Endpoint): readonly PortOwner[] | null {
  const rivals = listListeners({ ports: [port] }).filter((socket) => addressesOverlap(socket.address, address));
  if (rivals.length === 0) return null;
  return rivals.flatMap(({ owners }) =>
    owners.map(({ identity, commandLine }) => ({ pid: identity.pid, command: commandLine.join(" ").trimEnd() })),
  );
}
