import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { detectCgroups, listPids, openCgroupBase, removeCgroupBase } from "@constellation/host";
import { type IsolationLane, noSlots, ProcessDriver, settleRun, type StockBudget } from "@constellation/instances";

let number = 0;

/** Folders and control groups of its own for a process driver under test, and the proof that nothing is left of it. */
export class Playground {
  readonly root: string;
  readonly runtime: string;
  readonly state: string;
  readonly cgroupBase: string;
  readonly #drivers: ProcessDriver[] = [];
  readonly #isolateBy: IsolationLane;
  readonly #slots: StockBudget;

  /** @param slots none by default, so that what is left is counted exactly */
  constructor(isolateBy: IsolationLane = "auto", slots: StockBudget = noSlots) {
    this.#isolateBy = isolateBy;
    this.#slots = slots;
    this.root = mkdtempSync(join(tmpdir(), "cst-"));
    // Instances pass through it on the way to their folders when they have no file tree of their own.
    chmodSync(this.root, 0o711);
    this.runtime = join(this.root, "run");
    this.state = join(this.root, "state");
    number += 1;
    this.cgroupBase = `constellation-test-${process.pid}-${number}`;
  }

  /** A variable by which processes are found again, wherever they fled to. */
  get env(): Record<string, string> {
    return { PLAYGROUND: this.root };
  }

  /** Opens a driver; a second one is what the next daemon would have. */
  async open(): Promise<ProcessDriver> {
    const { runtime, state, cgroupBase } = this;
    const driver = await ProcessDriver.open({
      runtime,
      state,
      cgroupBase,
      isolateBy: this.#isolateBy,
      slots: this.#slots,
    });
    this.#drivers.push(driver);
    return driver;
  }

  /** Everything that runs have left, in words; empty when there is nothing. A supervisor may take a moment to leave. Wires are not looked for: they go with the namespace of the last process, and a daemon beside us has some of the same name. */
  async leftovers(): Promise<string[]> {
    for (let look = 0; look < 200 && this.#leftNow().length > 0; look += 1) await sleep(10);
    return this.#leftNow();
  }

  #leftNow(): string[] {
    const runs = readdirSync(join(this.runtime, "runs")).map((id) => `run folder ${id}`);
    const beyond = foldersIn(join(this.runtime, "spares")).length - this.#slots.slots;
    const waiting = beyond > 0 ? [`${beyond} slots more than may wait`] : [];
    return [...runs, ...waiting, ...this.#processes(), ...this.#mounts(), ...this.#groups(), ...this.#loops()];
  }

  async close(): Promise<void> {
    await this.#endRuns();
    for (const driver of this.#drivers) await driver.close();
    const left = foldersIn(join(this.runtime, "spares"));
    if (left.length > 0) throw new Error(`slots are left: ${left.join(", ")}`);
    const base = openCgroupBase({ name: this.cgroupBase });
    if (base.kind === "ready" && !removeCgroupBase(base.base)) throw new Error(`${this.cgroupBase} is not empty`);
    rmSync(this.root, { recursive: true, force: true });
  }

  /** A test that failed half way leaves runs; they must not outlive it. */
  async #endRuns(): Promise<void> {
    const driver = this.#drivers.at(-1);
    const { signal } = new AbortController();
    for (const { runId } of (await driver?.list()) ?? [])
      if (driver !== undefined) await settleRun(driver, runId, () => Promise.resolve(), { signal });
  }

  /** Processes that have our folder in their command line or their environment. */
  #processes(): string[] {
    return listPids().flatMap((pid) => {
      if (pid === process.pid) return [];
      const words = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      const environment = read(`/proc/${pid}/environ`);
      const spawner = words.includes("launcher spawner");
      return !spawner && !waits(words) && (words.includes(this.root) || environment.includes(this.root))
        ? [`process ${pid}: ${words}`]
        : [];
    });
  }

  #mounts(): string[] {
    return read("/proc/self/mountinfo")
      .split("\n")
      .filter((line) => line.includes(this.root))
      .map((line) => `mount ${line}`);
  }

  #groups(): string[] {
    if (detectCgroups().kind === "none") return [];
    const base = openCgroupBase({ name: this.cgroupBase });
    if (base.kind !== "ready") return [];
    const waiting = new Set(foldersIn(join(this.runtime, "spares")).map((id) => `slot-${id}`));
    const directories = base.base.version === 1 ? Object.values(base.base.directories) : [base.base.directory];
    return directories.flatMap((directory) =>
      readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !waiting.has(entry.name))
        .map((entry) => `control group ${directory}/${entry.name}`),
    );
  }

  #loops(): string[] {
    return readdirSync("/sys/block")
      .filter((name) => read(`/sys/block/${name}/loop/backing_file`).includes(this.root))
      .map((name) => `loop device ${name}`);
  }
}

/** A supervisor of a slot that waits. */
const waits = (words: string): boolean => words.includes("/run/spares/");

function foldersIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
