import type { ProcessIdentity } from "../proc/identity.ts";
import type { ListeningSocket } from "./socket-table.ts";

/** A process that holds a listening socket. */
export interface PortOwner {
  readonly identity: ProcessIdentity;
  readonly commandLine: readonly string[];
  /** The value of the environment entry asked for, when the process has it. */
  readonly marker?: string;
}

/** A listening TCP socket and who holds it; no owner when its process is not ours to look into. */
export interface PortListener extends ListeningSocket {
  readonly owners: readonly PortOwner[];
}
