import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import { type Cgroup, listCgroups, openCgroup } from "@constellation/host";
import type { Clock } from "../driver/clock.ts";
import type { CallOptions, FoundRun, Recovery, RunHandle } from "../driver/driver.ts";
import { isRunId } from "../driver/run-id.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import { isSupervised, type PidFile, readExitRecord, readPidFile } from "../launch/index.ts";
import { abandon, endSupervisor } from "./abandon.ts";
import type { Abilities } from "./abilities.ts";
import { clearLost } from "./clear-lost.ts";
import { exitOf } from "./end-of-run.ts";
import { FoldersAhead } from "./folders-ahead.ts";
import { type DriverFolders, runFolder, runsFolder, sparesFolder } from "./folders.ts";
import { deleteRemoved } from "./forget-app.ts";
import { removeRunFolder, runIdsIn, traceRun } from "./run-folder.ts";
import { readNotes, readRunRecord, readStop, type RunRecord } from "./run-record.ts";

/** What the machine lacks for a moment (open(2)); it says nothing of the file. */
const passing: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/** What looking at kept runs needs. */
export interface KeptRunsParts {
  readonly folders: DriverFolders;
  readonly clock: Clock;
  /** Unix milliseconds: what began before ended with the machine. */
  readonly bootedAt: number;
  readonly report: (text: string, error: unknown) => void;
  /** Takes up a run that goes on. */
  readonly takeUp: (folder: string, record: RunRecord, pids: PidFile) => RunHandle;
}

/** The runs that the folders on disk tell of, whoever started them: found, taken up, cleared away. */
export class KeptRuns {
  readonly #parts: KeptRunsParts;

  constructor(parts: KeptRunsParts) {
    this.#parts = parts;
  }

  /** Every run with a record that can be read. */
  list(): FoundRun[] {
    return runIdsIn(runsFolder(this.#parts.folders)).flatMap((id) => {
      const record = this.#record(id);
      if (record === null) return [];
      const { runId, app, index, revision, restarts } = record.request;
      return [{ runId, app, index, revision, restarts }];
    });
  }

  async recover(runId: string, { signal }: Partial<CallOptions>): Promise<Recovery> {
    const folder = runFolder(this.#parts.folders, runId);
    const record = this.#record(runId);
    if (record === null) return { status: "never-started" };
    const trace = await traceRun(folder, record.launch.startTimeoutMs, signal === undefined ? {} : { signal });
    const { request } = record;
    if (trace.kind === "never-started") return { status: "never-started" };
    if (trace.kind === "running") {
      const handle = this.#parts.takeUp(folder, record, trace.pids);
      return { status: "running", handle, notes: readNotes(folder), request };
    }
    return await this.#ended(folder, record);
  }

  /** @throws ConstellationError `state.conflict` while it runs */
  async release(runId: string): Promise<void> {
    const folder = runFolder(this.#parts.folders, runId);
    const record = this.#record(runId);
    if (record === null) return;
    // An ended supervisor holds its FIFO some milliseconds longer than its record is there.
    if (isSupervised(folder) && readExitRecord(folder) === null) throw stillRuns(record.request);
    const cgroup = record.cgroup === null ? undefined : openCgroup(record.cgroup);
    if (cgroup !== undefined) await removeGroup(cgroup);
    await removeRunFolder(folder);
  }

  /** Removes folders without a record and control groups without a folder: of daemons that died between two steps. */
  async sweep({ cgroups }: Pick<Abilities, "cgroups">): Promise<void> {
    const { folders } = this.#parts;
    void deleteRemoved(folders);
    const kept = new Set<string>();
    for (const id of runIdsIn(runsFolder(folders))) {
      const record = this.#record(id);
      if (record !== null) kept.add(record.cgroup?.name ?? "");
      // Half made, or damaged: nobody can know what it should be, so that nothing of it may go on.
      else await abandon(runFolder(folders, id), null, 0);
    }
    FoldersAhead.sweep(folders);
    const spares = sparesFolder(folders);
    for (const id of runIdsIn(spares)) await abandon(join(spares, id), null, 0);
    if (cgroups.kind === "unavailable") return;
    for (const location of listCgroups(cgroups.base)) {
      const ours = /-[0-9a-z]{8,9}-[0-9a-z]{5}$/.test(location.name);
      const cgroup = !ours || kept.has(location.name) ? undefined : openCgroup(location);
      if (cgroup !== undefined) await removeGroup(cgroup);
    }
  }

  async #ended(folder: string, record: RunRecord): Promise<Recovery> {
    const { clock, bootedAt, report } = this.#parts;
    const cgroup = record.cgroup === null ? undefined : openCgroup(record.cgroup);
    try {
      // It may live although nobody can read what it wrote.
      await endSupervisor(folder);
      const pids = readPidFile(folder);
      if (pids !== null) await clearLost(pids, cgroup ?? null);
      const found = readExitRecord(folder);
      const stop = readStop(folder);
      const nowMs = clock.nowMs();
      const exit = exitOf(folder, record, { found, stop, cgroup: cgroup ?? null, nowMs, bootedAt, report });
      // A start that failed while nobody listened ran nothing; it is as good as never begun.
      if (exit.kind === "start-failed") return { status: "never-started" };
      return { status: "ended", exit, request: record.request };
    } finally {
      cgroup?.close();
    }
  }

  /** The record of a run; null when it has none that can be read. @throws Error when that cannot be known now: what runs must not look as if it did not */
  #record(runId: string): RunRecord | null {
    try {
      return isRunId(runId) ? readRunRecord(runFolder(this.#parts.folders, runId)) : null;
    } catch (error) {
      if (passing.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      return null;
    }
  }
}

async function removeGroup(cgroup: Cgroup): Promise<void> {
  await cgroup.kill();
  await cgroup.remove();
  cgroup.close();
}

function stillRuns(request: StartRequest): ConstellationError {
  return new ConstellationError(
    "state.conflict",
    `Cannot release the run ${request.runId} of ${instanceName(request)}: it still runs`,
    { remedy: "Stop it first." },
  );
}
