import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { errnoOf, HostError } from "../../failure.ts";
import { readKernelFileIfPresent } from "../../proc/read-file.ts";
import { waitUntil } from "../bounded-wait.ts";
import type {
  Cgroup,
  CgroupCounters,
  CgroupEvents,
  CgroupLocation,
  CgroupWait,
  JoinTarget,
  KillOutcome,
  RemoveOutcome,
} from "../cgroup.ts";
import { createFailure } from "../create-failure.ts";
import { killAll } from "../kill-processes.ts";
import { applyLimitSteps } from "../limit-steps.ts";
import { checkLimits, type CgroupLimits, type LimitVerdict } from "../limits.ts";
import { refuseOwnGroup } from "../own-membership.ts";
import { processesBelow } from "../processes.ts";
import { removeDirectories } from "../remove.ts";
import { V1Gauge } from "./gauge-v1.ts";
import { v1LimitSteps, type V1Directories } from "./limit-steps-v1.ts";

const defaultTimeoutMs = 5000;

/** A control group on cgroup v1: the same name below our base in each controller's hierarchy. */
export class V1Cgroup implements Cgroup {
  readonly name: string;
  readonly location: CgroupLocation;
  readonly joinTargets: readonly JoinTarget[];
  readonly gauge: V1Gauge;
  readonly #directories: V1Directories;

  constructor(name: string, directories: V1Directories) {
    this.name = name;
    this.location = { version: 1, name, directories };
    this.#directories = directories;
    this.gauge = new V1Gauge(directories);
    this.joinTargets = distinct(directories).map((directory) => ({
      kind: "tasks",
      path: `${directory}/tasks`,
      controllers: Object.keys(directories).filter((controller) => directories[controller] === directory),
    }));
  }

  /** Makes the directories, all or none. @throws HostError cgroup-exists, permission-denied, cgroup-failed */
  static create(name: string, directories: V1Directories): V1Cgroup {
    const made: string[] = [];
    for (const directory of distinct(directories)) {
      try {
        mkdirSync(directory);
        made.push(directory);
      } catch (error) {
        for (const each of made) rmdirSync(each);
        throw createFailure(directory, error);
      }
    }
    return new V1Cgroup(name, directories);
  }

  setLimits(limits: CgroupLimits): LimitVerdict {
    checkLimits(limits);
    return applyLimitSteps(v1LimitSteps(this.#directories, limits));
  }

  counters(): CgroupCounters {
    return this.gauge.counters();
  }

  events(): CgroupEvents {
    return this.gauge.events();
  }

  processes(): number[] {
    // A process may be missing in one hierarchy (joined half when it was killed), so ask all of them.
    return [...new Set(distinct(this.#directories).flatMap(processesBelow))];
  }

  isPopulated(): boolean {
    return this.processes().length > 0;
  }

  async freeze(wait: CgroupWait = {}): Promise<void> {
    refuseOwnGroup("freeze", this.name, this.processes());
    await this.#setFreezer("FROZEN", wait.timeoutMs ?? defaultTimeoutMs);
  }

  async thaw(wait: CgroupWait = {}): Promise<void> {
    await this.#setFreezer("THAWED", wait.timeoutMs ?? defaultTimeoutMs);
  }

  async kill(wait: CgroupWait = {}): Promise<KillOutcome> {
    refuseOwnGroup("kill", this.name, this.processes());
    let killed = 0;
    // Frozen processes cannot fork while the list is read; a kill takes effect when they thaw.
    const sweep = (): boolean => {
      this.#writeFreezer("FROZEN");
      const pids = this.processes();
      killed += killAll(pids);
      this.#writeFreezer("THAWED");
      return pids.length === 0;
    };
    const isEmpty = await waitUntil(sweep, wait.timeoutMs ?? defaultTimeoutMs);
    return isEmpty ? { kind: "empty", killed } : { kind: "survivors", pids: this.processes() };
  }

  async remove(wait: CgroupWait = {}): Promise<RemoveOutcome> {
    this.close();
    return removeDirectories(distinct(this.#directories), wait.timeoutMs ?? defaultTimeoutMs);
  }

  close(): void {
    this.gauge.close();
  }

  async #setFreezer(state: "FROZEN" | "THAWED", timeoutMs: number): Promise<void> {
    if (!this.#writeFreezer(state))
      throw new HostError(
        "cgroup-failed",
        `Cannot set cgroup ${this.name} to ${state}: the v1 freezer controller is not mounted; mount it or use cgroup v2`,
      );
    const path = `${this.#directories["freezer"]}/freezer.state`;
    const reached = await waitUntil(() => readKernelFileIfPresent(path)?.trim() === state, timeoutMs);
    if (!reached)
      throw new HostError(
        "timed-out",
        `Cgroup ${this.name} was not ${state} after ${timeoutMs} ms; a process in it may hang in the kernel`,
      );
  }

  #writeFreezer(state: "FROZEN" | "THAWED"): boolean {
    const freezer = this.#directories["freezer"];
    if (freezer === undefined) return false;
    try {
      writeFileSync(`${freezer}/freezer.state`, state, { flag: "r+" });
      return true;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return false;
      throw new HostError("cgroup-failed", `Cannot set cgroup ${this.name} to ${state}: ${errnoOf(error)}`, {
        cause: error,
      });
    }
  }
}

function distinct(directories: V1Directories): string[] {
  return [...new Set(Object.values(directories))];
}
