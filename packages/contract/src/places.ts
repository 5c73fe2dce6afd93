/** Where a daemon of one user keeps things; client and daemon compute the same answer from the same environment. */
export interface Places {
  /** Desired state, artifacts, logs: survives a reboot. */
  readonly stateDirectory: string;
  /** Sockets and what else dies with the boot. */
  readonly runtimeDirectory: string;
  /** Unix socket of the API. */
  readonly socketPath: string;
  /** Unix socket on which guarded runs hold their leases. */
  readonly guardSocketPath: string;
  /** What a daemon started in the background writes to its standard output and error. */
  readonly daemonLogFile: string;
}

/**
 * The places of a user's daemon: `$CONSTELLATION_HOME` when it is set, the system's folders for root,
 * else the folders of the XDG base directory specification, with `~/.constellation/run` where a login gave none for sockets.
 *
 * @param environment variables of the caller's process
 * @param userId numeric id of the caller
 */
export function places(environment: Readonly<Record<string, string | undefined>>, userId: number): Places {
  const home = environment["CONSTELLATION_HOME"];
  if (home !== undefined && home !== "") return placesAt(home, `${home}/run`);
  if (userId === 0) return placesAt("/var/lib/constellation", "/run/constellation");
  const userHome = environment["HOME"] ?? `/tmp/constellation-${userId}`;
  const state = `${environment["XDG_STATE_HOME"] || `${userHome}/.local/state`}/constellation`;
  const runtime = environment["XDG_RUNTIME_DIR"];
  // Short: paths of Unix sockets lie below it, which the kernel limits to 107 bytes (unix(7)).
  return placesAt(state, runtime ? `${runtime}/constellation` : `${userHome}/.constellation/run`);
}

function placesAt(stateDirectory: string, runtimeDirectory: string): Places {
  return {
    stateDirectory,
    runtimeDirectory,
    socketPath: `${runtimeDirectory}/daemon.sock`,
    guardSocketPath: `${runtimeDirectory}/guard.sock`,
    daemonLogFile: `${stateDirectory}/daemon.log`,
  };
}
