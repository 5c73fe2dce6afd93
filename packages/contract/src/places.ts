import { ConstellationError } from "./errors/error.ts";

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
 * @throws ConstellationError `usage.invalid` when `CONSTELLATION_HOME` is no absolute path: it would mean another daemon in each
 *   folder; or lies in /proc, where the kernel answers that the folder above is not there, and Node makes that for ever
 */
export function places(environment: Readonly<Record<string, string | undefined>>, userId: number): Places {
  const home = environment["CONSTELLATION_HOME"];
  if (home !== undefined && home !== "") return placesAt(absolute(home), `${home}/run`);
  if (userId === 0) return placesAt("/var/lib/constellation", "/run/constellation");
  const userHome = environment["HOME"] ?? `/tmp/constellation-${userId}`;
  const state = `${folder(environment["XDG_STATE_HOME"]) ?? `${userHome}/.local/state`}/constellation`;
  const runtime = folder(environment["XDG_RUNTIME_DIR"]);
  // Short: paths of Unix sockets lie below it, which the kernel limits to 107 bytes (unix(7)).
  return placesAt(state, runtime !== null ? `${runtime}/constellation` : `${userHome}/.constellation/run`);
}

function absolute(home: string): string {
  if (/^\/+(?:\.\/+)*proc(?:\/|$)/.test(home))
    throw new ConstellationError(
      "usage.invalid",
      `Cannot use CONSTELLATION_HOME ${JSON.stringify(home)}: nothing can be kept in /proc`,
      {
        remedy: "Set it to a folder that you can write to.",
      },
    );
  if (home.startsWith("/")) return home;
  throw new ConstellationError(
    "usage.invalid",
    `Cannot use CONSTELLATION_HOME ${JSON.stringify(home)}: it is not absolute`,
    {
      remedy: "Set it to the whole path, beginning with /.",
    },
  );
}

/** As the XDG specification wants it: a path that is not absolute counts as not given. */
const folder = (path: string | undefined): string | null => (path?.startsWith("/") === true ? path : null);

function placesAt(stateDirectory: string, runtimeDirectory: string): Places {
  return {
    stateDirectory,
    runtimeDirectory,
    socketPath: `${runtimeDirectory}/daemon.sock`,
    guardSocketPath: `${runtimeDirectory}/guard.sock`,
    daemonLogFile: `${stateDirectory}/daemon.log`,
  };
}
