import { existsSync, lstatSync } from "node:fs";
import { userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { ConstellationError, type Places, places } from "@constellation/contract";

/** The daemon's program: beside this file in the published package, in its own package in the source tree. */
const programs = ["./daemon.js", "../../../daemon/dist/main.js"];

/**
 * How Node runs the daemon: by default V8 lets a heap of short-lived objects grow, to 140 MB resident where 80 do. A nursery
 * of 1 MB, a bound of 512 MB and collecting in small steps keep it where it is over thousands of restarts. V8's optimizing
 * compiler stays out: it takes 5 to 8 MB for a program that mostly waits, and a third more CPU time for reading logs by the hundred
 * thousand lines is what that costs. `--expose-gc` lets the daemon empty the nursery while nobody waits: one start fills most of it.
 */
export const daemonFlags: readonly string[] = [
  "--optimize-for-size",
  "--max-semi-space-size=1",
  "--max-old-space-size=512",
  "--no-opt",
  "--expose-gc",
  // Baseline code at a function's first call, not when it was called often: a twelfth of a start for 4 MB. Later Nodes
  // gain half of that, and have those 4 MB in use already.
  ...(process.versions.node.startsWith("20.") ? ["--always-sparkplug"] : []),
];

/** What the C library is told: one arena for all threads of the daemon. Each more costs some MB and serves nobody. */
export const daemonSettings: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "1" };

/**
 * The environment that a daemon with this home is started with; what is not given is that of this process. Settings
 * of Node that were meant for the caller are left out: NODE_EXTRA_CA_CERTS alone costs 40 ms at each start on Node 20.
 */
export function daemonEnvironment(home?: string, network?: "prepare" | "as-is"): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...inherited } = process.env;
  const userHome = inherited["HOME"] || homeOfUser();
  return {
    ...inherited,
    ...(userHome === undefined ? {} : { HOME: userHome }),
    ...daemonSettings,
    ...(home === undefined ? {} : { CONSTELLATION_HOME: home }),
    ...(network === undefined ? {} : { CONSTELLATION_NETWORK: network }),
  };
}

/** Where `HOME` is not set: what the system says of this user; undefined where it does not know them (a container, say). */
function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/**
 * Places of this user's daemon.
 *
 * @throws ConstellationError `access.denied` when they lie, for want of a home, where another user was first
 */
export function currentPlaces(home?: string, userId: number = process.getuid?.() ?? -1): Places {
  const found = places(daemonEnvironment(home), userId);
  for (const path of [found.stateDirectory, found.runtimeDirectory]) checkShared(path, userId);
  return found;
}

/** Anybody can make folders in /tmp: one of another user would lead us to his daemon. */
function checkShared(path: string, userId: number): void {
  const shared = /^\/tmp\/constellation-\d+(?=\/|$)/.exec(path)?.[0];
  const present = shared === undefined ? undefined : lstatSync(shared, { throwIfNoEntry: false });
  if (present === undefined || (present.isDirectory() && present.uid === userId)) return;
  throw new ConstellationError("access.denied", `Cannot use ${shared} for want of a home: it belongs to another user`, {
    remedy: "Set HOME, or CONSTELLATION_HOME to a folder of yours.",
  });
}

/**
 * Path of the daemon's program. `CONSTELLATION_DAEMON` names another one.
 *
 * @throws ConstellationError `daemon.start-failed` when it is nowhere
 */
export function daemonProgram(): string {
  const named = process.env["CONSTELLATION_DAEMON"];
  // A bundler that makes CommonJS of a user's program, and of this with it, leaves no such URL.
  const here = import.meta.url as string | undefined;
  const beside = here === undefined ? [] : programs.map((path) => fileURLToPath(new URL(path, here)));
  const candidates = named ? [named] : beside;
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const places = candidates.length === 0 ? "where this program was bundled" : `at ${candidates.join(" or ")}`;
  throw new ConstellationError("daemon.start-failed", `The daemon's program is not ${places}`, {
    remedy: named
      ? "Correct CONSTELLATION_DAEMON."
      : 'Install the package again, and leave it out of bundles (esbuild: external: ["constellation"]); in a clone of the repository, build it with `npm run build`.',
  });
}
