import { mkdirSync } from "node:fs";
import {
  buildPlan,
  fullIsolation,
  type HostFacts,
  LaunchError,
  type LaunchRequest,
  type Spawner,
  watchLife,
} from "../launch/index.ts";
import { removeRunFolder } from "./run-folder.ts";

/** What became of a trial: its program ran (`exitCode` null: somebody ended it), or could not be started and why. */
export type TrialOutcome =
  | { readonly kind: "ran"; readonly exitCode: number | null }
  | { readonly kind: "failed"; readonly reason: string };

/** With what and where trials are launched. */
export interface TrialPlace {
  readonly facts: HostFacts;
  readonly spawner: Spawner;
  /** Folder of this trial's records; made for it and removed after it. */
  readonly folder: string;
}

const timeoutMs = 5000;

/**
 * Launches a program that ends by itself, under full isolation unless `over` says otherwise. Settings of the kernel say
 * what may work; containers, security modules and system call filters are known only by trying. It leaves nothing.
 */
export async function tryLaunch(
  { facts, spawner, folder }: TrialPlace,
  over: Pick<LaunchRequest, "user"> & Partial<LaunchRequest>,
): Promise<TrialOutcome> {
  await removeRunFolder(folder);
  mkdirSync(folder, { mode: 0o711 });
  try {
    await spawner.launch(buildPlan({ ...trial(folder), ...over }, facts), { signal: AbortSignal.timeout(timeoutMs) });
    const end = await watchLife(folder, { signal: AbortSignal.timeout(timeoutMs) });
    const ending = end.kind === "ended" ? end.record.ending : null;
    return { kind: "ran", exitCode: ending?.kind === "exited" ? ending.exitCode : null };
  } catch (error) {
    if (error instanceof LaunchError)
      return { kind: "failed", reason: error.message.replace("Cannot start a trial: ", "") };
    throw error;
  } finally {
    await removeRunFolder(folder);
  }
}

const trial = (folder: string): Omit<LaunchRequest, "user"> => ({
  identity: { name: "a trial", hostname: "trial" },
  argv: ["/bin/true"],
  env: {},
  cwd: "/",
  instanceDir: folder,
  log: null,
  isolation: fullIsolation,
  binds: [],
  memoryFolders: [],
  data: null,
  tmpBytes: 1_000_000,
  sharedMemoryBytes: 1_000_000,
  rlimits: {},
  cgroups: [],
  network: { kind: "none" },
  sockets: [],
  startTimeoutMs: timeoutMs,
});
