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

const shared = Buffer.allocUnsafeSlow(64 * 1024);
/** More than the kernel takes at a start; who has the rights may show a process's whole memory as its environment. */
const mostBytes = 8 * 1024 * 1024;
/** The kernel takes no longer one (MAX_ARG_STRLEN). */
const longestEntryBytes = 128 * 1024;

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
  return look(pid, roots, (fd) => {
    const at = find(fd, key);
    return at === undefined ? undefined : textAt(fd, at + key.length);
  });
}

const holds = (pid: number, wanted: Buffer, roots: HostRoots): boolean =>
  look(pid, roots, (fd) => find(fd, wanted)) !== undefined;

function look<T>(pid: number, roots: HostRoots, into: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openSync(`${roots.proc}/${pid}/environ`, "r");
  } catch {
    return undefined;
  }
  try {
    return into(fd);
  } catch {
    // The process ended while it was read.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Where an entry begins with these bytes. Environments are read piece by piece: some are of megabytes. */
function find(fd: number, wanted: Buffer): number | undefined {
  const piece = wanted.length * 2 <= shared.length ? shared : Buffer.allocUnsafe(wanted.length * 2);
  for (let [position, kept] = [0, 0]; ;) {
    const read = readSync(fd, piece, kept, piece.length - kept, position + kept);
    const known = piece.subarray(0, kept + read);
    for (let at = known.indexOf(wanted); at >= 0; at = known.indexOf(wanted, at + 1))
      if (at === 0 ? position === 0 : known[at - 1] === 0) return position + at;
    if (read === 0 || position >= mostBytes) return undefined;
    // What stands at its end may be the beginning of an entry, with the byte in front of it.
    kept = Math.min(known.length, wanted.length);
    piece.copyWithin(0, known.length - kept, known.length);
    position += known.length - kept;
  }
}

function textAt(fd: number, position: number): string {
  for (let piece = shared; ; piece = Buffer.allocUnsafe(longestEntryBytes)) {
    const known = piece.subarray(0, readSync(fd, piece, 0, piece.length, position));
    const end = known.indexOf(0);
    if (end >= 0 || known.length < piece.length || piece !== shared)
      return known.toString("utf8", 0, end < 0 ? undefined : end);
  }
}
