import { closeSync, openSync, readSync } from "node:fs";
import { HostError } from "../failure.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { identifyProcess, isProcessAlive, type ProcessIdentity } from "./identity.ts";
import { listPids } from "./process-list.ts";

/** An inherited environment entry that names the owner of a process tree, however its members forked. */
export interface EnvironmentMarker {
  readonly name: string;
  readonly value: string;
}

let environ = Buffer.allocUnsafeSlow(64 * 1024);
const largestEnvironBytes = 8 * 1024 * 1024;

/**
 * Sweeps all visible processes for the marker in the environment they were started with, this process left out.
 * Processes whose environment we may not read (another user's, when not root) cannot be found.
 */
export function findByEnvironment(marker: EnvironmentMarker, roots: HostRoots = systemRoots): ProcessIdentity[] {
  if (!/^[A-Za-z_]\w*$/.test(marker.name) || marker.value.includes("\0"))
    throw new HostError(
      "name-invalid",
      `Cannot look for the marker ${JSON.stringify(marker.name)}: wanted a name of letters, digits and _ and a value without NUL`,
    );
  const wanted = Buffer.from(`${marker.name}=${marker.value}\0`);
  return listPids(roots).flatMap((pid) => {
    if (pid === process.pid || !holds(pid, wanted, roots)) return [];
    const identity = identifyProcess(pid, roots);
    // Asked again after it was identified: in between the pid may have gone to another process.
    if (identity === undefined || !holds(pid, wanted, roots)) return [];
    return isProcessAlive(identity, roots) ? [identity] : [];
  });
}

/** An entry of the environment that a process was started with; undefined when it has none, or none that we may read. */
export function environmentEntry(pid: number, name: string, roots: HostRoots = systemRoots): string | undefined {
  const key = Buffer.from(`${name}=`);
  const found = find(pid, key, roots);
  if (found === undefined) return undefined;
  const end = environ.indexOf(0, found.at);
  return environ.toString("utf8", found.at + key.length, end < 0 ? found.length : Math.min(end, found.length));
}

const holds = (pid: number, wanted: Buffer, roots: HostRoots): boolean => find(pid, wanted, roots) !== undefined;

/** Where an entry begins with these bytes, in the shared buffer until the next look at any process. */
function find(
  pid: number,
  wanted: Buffer,
  roots: HostRoots,
): { readonly at: number; readonly length: number } | undefined {
  let fd: number;
  try {
    fd = openSync(`${roots.proc}/${pid}/environ`, "r");
  } catch {
    return undefined;
  }
  try {
    const length = fill(fd);
    for (let at = environ.indexOf(wanted); at >= 0 && at + wanted.length <= length;) {
      if (at === 0 || environ[at - 1] === 0) return { at, length };
      at = environ.indexOf(wanted, at + 1);
    }
    return undefined;
  } catch {
    // The process ended while it was read.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function fill(fd: number): number {
  let length = 0;
  for (;;) {
    const read = readSync(fd, environ, length, environ.length - length, length);
    length += read;
    if (read === 0 || length >= largestEnvironBytes) return length;
    if (length === environ.length) {
      const larger = Buffer.allocUnsafeSlow(environ.length * 2);
      environ.copy(larger);
      environ = larger;
    }
  }
}
