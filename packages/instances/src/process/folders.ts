import type { StartRequest } from "../driver/start-request.ts";
import { instanceName } from "../driver/start-request.ts";

/** Where the process driver keeps things. */
export interface DriverFolders {
  /** For what ends with the machine's boot: records, FIFOs and sockets of runs. Short: Unix sockets lie below it. */
  readonly runtime: string;
  /** For what stays: data folders, logs, numbers. */
  readonly state: string;
}

/** One folder for each run. */
export const runsFolder = (folders: DriverFolders): string => `${folders.runtime}/runs`;
export const runFolder = (folders: DriverFolders, runId: string): string => `${runsFolder(folders)}/${runId}`;

/** One folder for each program that was executed ahead and waits for an instance. */
export const sparesFolder = (folders: DriverFolders): string => `${folders.runtime}/spares`;

export const dataRoot = (folders: DriverFolders): string => `${folders.state}/data`;
export const logsFolder = (folders: DriverFolders): string => `${folders.state}/logs`;

/** Name of the live log in its folder. */
export const logName = "log";

/** The live log of an instance, in a folder of its own as the log store reads it; its name stays over restarts, so that `tail -F` works. */
export function logPath(folders: DriverFolders, request: Pick<StartRequest, "app" | "index">): string {
  return `${logsFolder(folders)}/${instanceName(request)}/${logName}`;
}

/** Inside a private root everything of the platform has one place. */
export const inside = {
  data: "/data",
  sockets: "/run/constellation",
  doors: "/run/constellation-doors",
} as const;

/**
 * Where a Node program opens the doors of its shared ports: memory, so that it can fill no disk of ours there. From outside
 * it is reached through the program's root.
 */
export const doorsFolder = { path: inside.doors, bytes: 65_536 } as const;

/** Names in a run's folder, besides what its supervisor keeps there. */
export const runFiles = {
  record: "run.json",
  ahead: "ahead.json",
  notes: "notes.json",
  stop: "stop.json",
  sockets: "sockets",
  metrics: "metrics.sock",
  doors: "doors",
} as const;
