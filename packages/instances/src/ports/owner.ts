import { listListeners } from "@constellation/host";

/** A process that listens on a port. */
export interface PortOwner {
  readonly pid: number;
  /** Command line, words joined by blanks. */
  readonly command: string;
}

/**
 * Who listens on a TCP port of this machine's network namespace, or undefined when nobody does or the owner's
 * descriptors cannot be read (another user's process). Walks /proc: for error messages, not for a loop.
 */
export function findPortOwner(port: number): PortOwner | undefined {
  const [owner] = listListeners({ ports: [port] }).flatMap(({ owners }) => owners);
  return owner && { pid: owner.identity.pid, command: owner.commandLine.join(" ") };
}
