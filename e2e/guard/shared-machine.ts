import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cgroup, createCgroup, findByEnvironment, openCgroupBase, removeCgroupBase } from "@constellation/host";
import type { LeasedRun } from "@constellation/contract";
import { listRuns } from "@constellation/guard";

const cli = join(import.meta.dirname, "../../packages/cli/dist/constellation.js");
const MiB = 2 ** 20;

/** A small machine: a control group with a memory limit in which a daemon, guarded runs and a memory hog live. */
export class SharedMachine {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "guard-")));
  readonly home = join(this.folder, "home");
  readonly marker = { name: "E2E_SHARED", value: this.folder };
  readonly group: Cgroup;
  readonly #leave: () => void;
  readonly #children: ChildProcess[] = [];

  constructor(memoryBytes: number) {
    const opened = openCgroupBase({ placement: "own", name: "e2e-guard-shared" });
    if (opened.kind !== "ready") throw new Error(`needs control groups: ${opened.missing}`);
    const created = createCgroup(opened.base, `m${process.pid}-${Math.floor(performance.now())}`, { memoryBytes });
    if (created.kind !== "created") throw new Error("needs a memory limit");
    this.group = created.cgroup;
    this.#leave = () => void removeCgroupBase(opened.base);
    mkdirSync(this.home);
    // Short waits, so that a test need not sit through the real ones.
    writeFileSync(
      join(this.folder, "daemon.json"),
      JSON.stringify({ guard: { resumeAt: "60%", resumeHeld: "1s", pause: "1s" } }),
    );
  }

  get socketPath(): string {
    return join(this.home, "run/guard.sock");
  }

  /** Runs a program in the group. */
  spawn(
    program: string,
    args: readonly string[],
    cwd: string,
  ): { child: ChildProcess; said: () => string; ended: Promise<number | null> } {
    const joins = this.group.joinTargets.map((target) =>
      target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`,
    );
    const script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';
    const { PATH, HOME } = process.env;
    const child = spawn("/bin/sh", ["-c", script, "sh", ...joins, "--", program, ...args], {
      cwd,
      env: {
        PATH,
        HOME,
        CONSTELLATION_HOME: this.home,
        CONSTELLATION_CONFIG: this.folder,
        [this.marker.name]: this.marker.value,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    // Not `close`: what it starts may keep its pipes.
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return { child, said: () => text, ended };
  }

  constellation(words: readonly string[], cwd = this.folder) {
    return this.spawn(process.execPath, [cli, ...words], cwd);
  }

  /** @returns the daemon's pid */
  async startDaemon(): Promise<number> {
    const started = this.constellation(["daemon", "start", "--json"]);
    if ((await started.ended) !== 0) throw new Error(started.said());
    await eventually(async () => (await listRuns(this.socketPath)) !== undefined);
    return (JSON.parse(started.said()) as { daemon: { pid: number } }).daemon.pid;
  }

  async runs(): Promise<readonly LeasedRun[]> {
    return (await listRuns(this.socketPath)) ?? [];
  }

  /** Holds so much memory until it is killed that this much of the group's is used, cache that can be had back left out. */
  async fillUpTo(wantedMiB: number): Promise<ChildProcess> {
    const { memoryCurrentBytes = 0, memoryInactiveFileBytes = 0 } = this.group.counters();
    // What Node itself takes.
    const mebibytes = wantedMiB - 40 - Math.round((memoryCurrentBytes - memoryInactiveFileBytes) / MiB);
    const script = `const kept = []; for (let n = 0; n < ${mebibytes}; n += 8) kept.push(Buffer.alloc(8 * ${MiB}, 1)); console.log("full"); setInterval(() => kept.length, 1e6)`;
    const { child, said } = this.spawn(process.execPath, ["-e", script], this.folder);
    await eventually(() => said().includes("full"));
    return child;
  }

  /** A project of node:test files, each with tests that take a while and note when they have run. */
  project(name: string, files: number, tests: number, ms: number): string {
    const root = join(this.folder, name);
    mkdirSync(join(root, ".constellation/test"), { recursive: true });
    // As if it had run before: of a run of which nothing is known more is expected than this machine has.
    writeFileSync(join(root, ".constellation/test/last.json"), JSON.stringify({ tests: 0, peakBytes: 60 * MiB }));
    writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "node --test" } }));
    for (let file = 0; file < files; file++)
      writeFileSync(
        join(root, `s${file}.test.cjs`),
        `const { test } = require("node:test"); const { appendFileSync } = require("node:fs");
for (let n = 0; n < ${tests}; n++) test("t" + n, async () => { await new Promise((r) => setTimeout(r, ${ms})); appendFileSync(__dirname + "/bodies.log", "${file}." + n + "\\n"); });`,
      );
    return root;
  }

  async close(): Promise<void> {
    await this.group.kill();
    for (const child of this.#children) child.kill("SIGKILL");
    await this.group.remove();
    this.group.close();
    this.#leave();
    const left = findByEnvironment(this.marker);
    rmSync(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.map(({ pid }) => pid).join(", ")}`);
  }
}

/** Waits until it is so. @throws Error when it never is */
export async function eventually(
  isSo: () => boolean | Promise<boolean>,
  what: () => string = () => isSo.toString(),
  mostMs = 40_000,
): Promise<void> {
  for (const until = performance.now() + mostMs; performance.now() < until; await sleep(20)) if (await isSo()) return;
  throw new Error(`it did not come true: ${what()}`);
}
