import { closeSync, constants, fstatSync, openSync } from "node:fs";

/** open(2): O_PATH, a handle on the file itself; Node does not name it. The same on x86-64 and arm64. */
const O_PATH = 0o10_000_000;

/** A way to a Unix socket that lies where an instance may write. */
export interface Door {
  /** Leads to the socket that was looked at, whatever has its name by now. */
  readonly path: string;
  close(): void;
}

/**
 * Opens the way to a socket that an instance made. It might have put a link there instead, to a socket that only we may
 * connect to: links are not followed, and what is no socket is refused.
 *
 * @throws Error of the system (ENOENT, ELOOP), and Error when it is no socket
 */
export function openDoor(path: string): Door {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  const door = { path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
  if (fstatSync(fd).isSocket()) return door;
  door.close();
  throw new Error(`${path} is no socket`);
}
