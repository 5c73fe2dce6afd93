import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isProcessAlive, type ProcessIdentity } from "@constellation/host";

/**
 * Finds out which process is at the other end of a socket. The socket's permissions let only our own user in; Node does not
 * tell the pid (SO_PEERCRED), so the peer opens a file that only it was told of, and the kernel's list of its open files
 * shows whether it is the process that it says it is.
 */
export class PeerProof {
  readonly path: string;

  constructor(folder: string) {
    // Somebody may have taken it away.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // As the kernel will name it: a home may be reached by a link.
    this.path = join(realpathSync(folder), `proof-${randomUUID()}`);
    closeSync(openSync(this.path, "wx", 0o600));
  }

  /** Whether this very process has the file open; where processes cannot be looked into (macOS) its being alive must do. */
  isHeldBy(peer: ProcessIdentity): boolean {
    if (!isProcessAlive(peer)) return false;
    if (process.platform !== "linux") return true;
    const folder = `/proc/${peer.pid}/fd`;
    try {
      return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === this.path) && isProcessAlive(peer);
    } catch {
      return false;
    }
  }

  drop(): void {
    rmSync(this.path, { force: true });
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
