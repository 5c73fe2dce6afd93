import { readdirSync, readFileSync, readlinkSync } from "node:fs";

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
  const sockets = new Set(["tcp", "tcp6"].flatMap((table) => listeningInodes(table, port)));
  if (sockets.size === 0) return undefined;
  for (const name of readdirSync("/proc")) {
    if (!/^[1-9]\d*$/.test(name) || !holdsOne(name, sockets)) continue;
    return { pid: Number(name), command: commandOf(name) };
  }
  return undefined;
}

/** Rows of /proc/net/tcp: `sl local_address rem_address st … inode`, state 0A is LISTEN (proc(5)). */
function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readOr(`/proc/net/${table}`, "")
    .split("\n")
    .slice(1)
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, local = "", , state, , , , , , inode = ""]) =>
      local.endsWith(suffix) && state === "0A" ? [inode] : [],
    );
}

function holdsOne(pid: string, inodes: ReadonlySet<string>): boolean {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return false; // ended, or somebody else's
  }
  return descriptors.some((fd) => {
    try {
      return inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? "");
    } catch {
      return false; // closed meanwhile
    }
  });
}

const commandOf = (pid: string) =>
  readOr(`/proc/${pid}/cmdline`, "").split("\0").join(" ").trim() || readOr(`/proc/${pid}/comm`, "unknown").trim();

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
