import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findByEnvironment, findFreePort, listListeners } from "@constellation/host";
import { clearOrphanPorts, freePort, orphanPorts } from "@constellation/guard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";
import { eventually } from "./shared-machine.ts";

/** Only root mounts. */
const asRoot = process.getuid?.() === 0;
const marker = { name: "E2E_DISK", value: `${process.pid}` };
const environment = { [marker.name]: marker.value };

let root: string;
let disk: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-disk-")));
  disk = join(root, "disk");
  mkdirSync(disk);
  writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "node --test" } }));
});
afterEach(() => {
  expect(findByEnvironment(marker)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

const quick = (name: string, tests: number): void =>
  writeFileSync(
    join(root, `${name}.test.cjs`),
    `const { test } = require("node:test");
for (let n = 0; n < ${tests}; n++) test("t" + n, () => new Promise((r) => setTimeout(r, 20)));`,
  );

describe.runIf(asRoot)("a disk that gets full in the middle of a run", () => {
  it("fails the run in words, and what was written before counts when there is room again", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    try {
      quick("a", 5);
      quick("z", 60);
      // The second file takes what room there is, after the first has been written down.
      writeFileSync(
        join(root, "m.test.cjs"),
        `const { test } = require("node:test"); const fs = require("node:fs"); test("fills the disk", () => { try { for (;;) fs.appendFileSync(${JSON.stringify(join(disk, "fill"))}, "x".repeat(512)); } catch {} });`,
      );
      const full = await protectedRun(root, { jobs: 1, stateDirectory: join(disk, "state") }, { environment });
      expect(full.exit).not.toBe(0);
      expect(full.stderr + JSON.stringify(full.outcome)).toMatch(/ENOSPC|Cannot write the journal/);
      rmSync(join(disk, "fill"));
      writeFileSync(
        join(root, "m.test.cjs"),
        `const { test } = require("node:test"); test("fills nothing any more", () => {});`,
      );
      const again = await protectedRun(
        root,
        { jobs: 1, resume: true, stateDirectory: join(disk, "state") },
        { environment },
      );
      expect(again.outcome?.kind, again.stderr).toBe("passed");
      expect(again.outcome?.tests).toHaveLength(66);
    } finally {
      execFileSync("umount", [disk]);
    }
  }, 60_000);
});

describe.runIf(asRoot)("a disk that is full before a run", () => {
  it("refuses the run in words, before a test starts, also a resumed one", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    try {
      quick("a", 5);
      const options = { jobs: 1, stateDirectory: join(disk, "state") };
      const first = await protectedRun(root, options, { environment });
      expect(first.outcome?.tests, first.stderr).toHaveLength(5);
      try {
        for (;;) appendFileSync(join(disk, "fill"), "x".repeat(512));
      } catch {
        // Full.
      }
      for (const resume of [false, true]) {
        const { exit, stderr, outcome } = await protectedRun(root, { ...options, resume }, { environment });
        expect(exit).not.toBe(0);
        expect(outcome).toBeUndefined();
        expect(stderr).toMatch(/Cannot (keep a checkpoint in|write the journal) .*ENOSPC/);
      }
    } finally {
      execFileSync("umount", [disk]);
    }
  }, 60_000);
});

describe("a bound in bytes", () => {
  it.runIf(asRoot)(
    "is refused where the run's memory cannot be measured",
    async () => {
      quick("a", 1);
      // In a mount namespace of its own it sees no hierarchy that it could make a group in.
      const program = join(import.meta.dirname, "protected.js");
      const options = JSON.stringify({ policy: { ...policyOfBytes, treeBytes: 1e9 } });
      const script = `umount -R /sys/fs/cgroup && exec "$0" "$@"`;
      const child = spawn("unshare", ["--mount", "sh", "-c", script, process.execPath, program, root, options], {
        env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      const exit = await new Promise((resolve) => child.once("close", resolve));
      expect(exit).not.toBe(0);
      expect(stderr).toMatch(/Cannot hold the run to 1 GB: without a control group of its own/);
      expect(existsSync(join(root, ".constellation/test/journal.jsonl"))).toBe(false);
    },
    60_000,
  );
});

const policyOfBytes = {
  shedShare: 0.75,
  drainShare: 0.8,
  killShare: 0.95,
  hysteresisShare: 0.03,
  teardownMs: 200,
  stallPercent: 40,
  stallHeldMs: 10_000,
  cpuShare: 0.8,
  cpuHeldMs: 5000,
  cpuAction: "ignore",
};

describe("ports of guarded runs", () => {
  const server = (port: number, extra: Record<string, string>) => {
    const script = `require("node:net").createServer().listen(${port}, "127.0.0.1")`;
    const { PATH } = process.env;
    return spawn(process.execPath, ["-e", script], { env: { PATH, ...environment, ...extra }, stdio: "ignore" });
  };
  const listens = (port: number) => eventually(() => listListeners({ ports: [port] }).length > 0);

  it("are freed on request, whoever of the run holds them", async () => {
    const port = await findFreePort();
    const child = server(port, { CONSTELLATION_RUN: "a-run" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await listens(port);
    expect(await freePort(port)).toEqual({ kind: "freed", pids: [child.pid] });
    await ended;
    expect(await freePort(port)).toEqual({ kind: "free" });
  });

  it("are orphans when nobody guards their run any more; those of living runs and of others stay", async () => {
    const [own, orphaned, foreign] = [await findFreePort(), await findFreePort(), await findFreePort()];
    const state = join(root, "state");
    mkdirSync(state);
    const guard = {
      pid: process.pid,
      startTicks: Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]),
    };
    writeFileSync(join(state, "holder.json"), JSON.stringify({ guard, run: "living" }));
    const children = [
      server(own, { CONSTELLATION_RUN: "living", CONSTELLATION_GUARD_STATE: state }),
      server(orphaned, { CONSTELLATION_RUN: "dead", CONSTELLATION_GUARD_STATE: state }),
      server(foreign, {}),
    ];
    try {
      await Promise.all([own, orphaned, foreign].map(listens));
      expect(orphanPorts()).toEqual([{ port: orphaned, run: "dead", pids: [children[1]?.pid] }]);
      expect((await clearOrphanPorts()).map(({ port }) => port)).toEqual([orphaned]);
      expect(listListeners({ ports: [orphaned] })).toEqual([]);
      expect(listListeners({ ports: [own] })).toHaveLength(1);
      expect(listListeners({ ports: [foreign] })).toHaveLength(1);
    } finally {
      const ended = children.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) resolve();
            else child.once("exit", () => resolve());
          }),
      );
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ended);
    }
  });
});
