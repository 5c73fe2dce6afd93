import { ConstellationError } from "./errors/error.ts";

/**
 * What the path of a runtime directory may have at most: the kernel limits paths of Unix sockets to 107 bytes (unix(7)), and
 * the longest below it is that of a port of an app with the longest name.
 */
export const longestRuntimeBytes = 107 - "/ports/".length - 40 - ".65535/control.sock".length;

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
 * else the state folder of the XDG base directory specification and `~/.constellation/run`, or the runtime folder of a
 * login where that would be too long; a folder in /tmp for a user without a home.
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
  const userHome = folder(environment["HOME"]);
  if (userHome === null) return placesAt(`/tmp/constellation-${userId}`, `/tmp/constellation-${userId}/run`);
  const state = `${folder(environment["XDG_STATE_HOME"]) ?? `${userHome}/.local/state`}/constellation`;
  const atHome = `${userHome}/.constellation/run`;
  const ofLogin = folder(environment["XDG_RUNTIME_DIR"]);
  // What a login gives is taken away at its end, while instances run on; and `sudo -u`, `su` and cron, which have none,
  // would look for another daemon.
  const fits = ofLogin === null || new TextEncoder().encode(atHome).length <= longestRuntimeBytes;
  return placesAt(state, fits ? atHome : `${ofLogin}/constellation`);
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
