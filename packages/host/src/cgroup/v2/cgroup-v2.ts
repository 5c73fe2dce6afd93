import { mkdirSync, writeFileSync } from "node:fs";
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
import { killAll } from "../kill-processes.ts";
import { applyLimitSteps } from "../limit-steps.ts";
import { checkLimits, type CgroupLimits, type LimitVerdict } from "../limits.ts";
import { refuseOwnGroup } from "../own-membership.ts";
import { processesBelow } from "../processes.ts";
import { removeDirectories } from "../remove.ts";
import { createFailure } from "../create-failure.ts";
import { V2Gauge } from "./gauge-v2.ts";
import { v2LimitSteps } from "./limit-steps-v2.ts";

const defaultTimeoutMs = 5000;

/**
 * A control group on cgroup v2: one directory. Use it for one start only: after `cgroup.kill` some kernels (6.18 seen)
 * kill every later CLONE_INTO_CGROUP child of the same group at birth.
 */
export class V2Cgroup implements Cgroup {
  readonly name: string;
  readonly location: CgroupLocation;
  readonly joinTargets: readonly JoinTarget[];
  readonly gauge: V2Gauge;
  readonly #directory: string;

  constructor(name: string, directory: string) {
    this.name = name;
    this.location = { version: 2, name, directory };
    this.joinTargets = [{ kind: "directory", path: directory }];
    this.gauge = new V2Gauge(directory);
    this.#directory = directory;
  }

  /** @throws HostError cgroup-exists, permission-denied, cgroup-failed */
  static create(name: string, directory: string): V2Cgroup {
    try {
      mkdirSync(directory);
    } catch (error) {
      throw createFailure(directory, error);
    }
    return new V2Cgroup(name, directory);
  }

  setLimits(limits: CgroupLimits): LimitVerdict {
    checkLimits(limits);
    const controllers = (readKernelFileIfPresent(`${this.#directory}/cgroup.controllers`) ?? "").split(/\s+/);
    return applyLimitSteps(v2LimitSteps(this.#directory, controllers, limits));
  }

  counters(): CgroupCounters {
    return this.gauge.counters();
  }

  events(): CgroupEvents {
    return this.gauge.events();
  }

  processes(): number[] {
    return processesBelow(this.#directory);
  }

  isPopulated(): boolean {
    return /^populated 1$/m.test(readKernelFileIfPresent(`${this.#directory}/cgroup.events`) ?? "");
  }

  async freeze(wait: CgroupWait = {}): Promise<void> {
    refuseOwnGroup("freeze", this.name, this.processes());
    await this.#setFrozen(true, wait.timeoutMs ?? defaultTimeoutMs);
  }

  async thaw(wait: CgroupWait = {}): Promise<void> {
    await this.#setFrozen(false, wait.timeoutMs ?? defaultTimeoutMs);
  }

  async kill(wait: CgroupWait = {}): Promise<KillOutcome> {
    const before = this.processes();
    refuseOwnGroup("kill", this.name, before);
    const byKernel = this.#write("cgroup.kill", "1");
    let killed = byKernel ? before.length : 0;
    // Before Linux 5.14 there is no cgroup.kill: freeze, signal all, thaw, as on v1.
    const sweep = (): boolean => {
      if (byKernel) return !this.isPopulated();
      this.#write("cgroup.freeze", "1");
      killed += killAll(this.processes());
      this.#write("cgroup.freeze", "0");
      return !this.isPopulated();
    };
    const isEmpty = await waitUntil(sweep, wait.timeoutMs ?? defaultTimeoutMs);
    return isEmpty ? { kind: "empty", killed } : { kind: "survivors", pids: this.processes() };
  }

  async remove(wait: CgroupWait = {}): Promise<RemoveOutcome> {
    this.close();
    return removeDirectories([this.#directory], wait.timeoutMs ?? defaultTimeoutMs);
  }

  close(): void {
    this.gauge.close();
  }

  async #setFrozen(frozen: boolean, timeoutMs: number): Promise<void> {
    const state = frozen ? "frozen" : "thawed";
    if (!this.#write("cgroup.freeze", frozen ? "1" : "0"))
      throw new HostError(
        "cgroup-failed",
        `Cannot have cgroup ${this.name} ${state}: this kernel has no cgroup.freeze (Linux 5.2)`,
      );
    const wanted = new RegExp(`^frozen ${frozen ? 1 : 0}$`, "m");
    const events = `${this.#directory}/cgroup.events`;
    const reached = await waitUntil(() => wanted.test(readKernelFileIfPresent(events) ?? ""), timeoutMs);
    if (!reached)
      throw new HostError(
        "timed-out",
        `Cgroup ${this.name} was not ${state} after ${timeoutMs} ms; a process in it may hang in the kernel`,
      );
  }

  #write(file: string, text: string): boolean {
    try {
      writeFileSync(`${this.#directory}/${file}`, text, { flag: "r+" });
      return true;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT") return false;
      // cgroup.kill can only be written, so "r+" is refused to those without CAP_DAC_OVERRIDE.
      if (errno === "EACCES") return this.#writeOnly(file, text);
      throw new HostError("cgroup-failed", `Cannot write ${text} to ${file} of cgroup ${this.name}: ${errno}`, {
        cause: error,
      });
    }
  }

  #writeOnly(file: string, text: string): boolean {
    try {
      writeFileSync(`${this.#directory}/${file}`, text);
      return true;
    } catch (error) {
      throw new HostError(
        "permission-denied",
        `Cannot write ${text} to ${file} of cgroup ${this.name}: ${errnoOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}
