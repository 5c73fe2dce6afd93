import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConstellationError, longestRuntimeBytes, type Places } from "@constellation/contract";
import { checkOwn } from "./own-folder.ts";

const walkedByOthers = 0o011;

/** Everything that a daemon keeps, by name. */
export interface Layout extends Places {
  readonly stateFile: string;
  readonly telemetryFile: string;
  readonly blobsFolder: string;
  /** Scripts as files. */
  readonly artifactsFolder: string;
  readonly logsFolder: string;
  readonly dataFolder: string;
  /** One folder for each port process. */
  readonly portsFolder: string;
  /** Leases of guarded runs. */
  readonly guardFolder: string;
}

/** Where everything lies below the places of a user's daemon. */
export function layoutOf(places: Places): Layout {
  const { stateDirectory, runtimeDirectory } = places;
  return {
    ...places,
    stateFile: join(stateDirectory, "state.db"),
    telemetryFile: join(stateDirectory, "telemetry.db"),
    blobsFolder: join(stateDirectory, "blobs"),
    artifactsFolder: join(stateDirectory, "artifacts"),
    logsFolder: join(stateDirectory, "logs"),
    dataFolder: join(stateDirectory, "data"),
    portsFolder: join(runtimeDirectory, "ports"),
    guardFolder: join(runtimeDirectory, "guard"),
  };
}

/**
 * Makes the folders. Others may walk through them, because instances are users of their own and reach their data below;
 * they may not list them, and what must not be read has its own permissions.
 *
 * @throws ConstellationError `daemon.start-failed` when they cannot be made, others may replace what lies in them, or
 *   sockets below them would have too long paths
 */
export function prepareFolders({ stateDirectory, runtimeDirectory, logsFolder }: Layout): void {
  const bytes = Buffer.byteLength(runtimeDirectory);
  if (bytes > longestRuntimeBytes)
    throw new ConstellationError(
      "daemon.start-failed",
      `Cannot keep sockets in ${runtimeDirectory}: its path has ${bytes} bytes, with more than ${longestRuntimeBytes} those of sockets would be too long for the kernel`,
      { remedy: `Set CONSTELLATION_HOME to a path of at most ${longestRuntimeBytes - "/run".length} bytes.` },
    );
  for (const folder of [stateDirectory, runtimeDirectory, logsFolder]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o711 });
    } catch (cause) {
      throw new ConstellationError("daemon.start-failed", `Cannot make the folder ${folder}: ${String(cause)}`, {
        remedy: "Set CONSTELLATION_HOME to a folder that you can write to.",
        cause,
      });
    }
  }
  for (const folder of [stateDirectory, runtimeDirectory]) checkOwn(folder);
  if (process.getuid?.() === 0) letThrough(stateDirectory);
}

/** Somebody may have made it for nobody else: where it lies in an app's own folder, its instances could not reach their program. */
function letThrough(folder: string): void {
  const { mode } = statSync(folder);
  if ((mode & walkedByOthers) !== walkedByOthers) chmodSync(folder, (mode & 0o7777) | walkedByOthers);
}
