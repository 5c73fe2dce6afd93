import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Cgroup,
  createCgroup,
  findByEnvironment,
  findFreePort,
  identifyProcess,
  isProcessAlive,
  listListeners,
  openCgroupBase,
  removeCgroupBase,
} from "@constellation/host";
import { freePort } from "@constellation/guard";
import { limitsHere } from "../../packages/instances/test/limits-here.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";

const GiB = 2 ** 30;
const marker = { name: "E2E_PROTECTION", value: `${process.pid}` };
const environment = { [marker.name]: marker.value };

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-protection-")));
  writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "node --test" } }));
});
afterEach(() => {
  expect(findByEnvironment(marker)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
  const base = openCgroupBase({ placement: "own", name: "constellation-guard" });
  if (base.kind === "ready") removeCgroupBase(base.base);
});

/** A control group with a memory limit, as long as the work takes. */
async function inGroup(name: string, memoryBytes: number, work: (cgroup: Cgroup) => Promise<void>): Promise<void> {
  const base = openCgroupBase({ placement: "own", name });
  if (base.kind !== "ready") throw new Error(`needs control groups: ${base.missing}`);
  const created = createCgroup(base.base, `${name}-${process.pid}`, { memoryBytes });
  if (created.kind !== "created") throw new Error("needs a memory limit");
  const { cgroup } = created;
  try {
    await work(cgroup);
  } finally {
    await cgroup.kill();
    await cgroup.remove();
    cgroup.close();
    removeCgroupBase(base.base);
  }
}

describe.runIf(limitsHere)("a memory hog in a control group of 4 GiB", () => {
  it("is stopped before the kernel acts; then the rest finishes and the hog is reported as not fitting", async () => {
    await inGroup("e2e-guard-hog", 4 * GiB, async (cgroup) => {
      cpSync(join(import.meta.dirname, "hog.js"), join(root, "hog.test.cjs"));
      for (const name of ["a", "z"])
        writeFileSync(join(root, `${name}.test.cjs`), 'require("node:test").test("fine", () => {});');
      const withHog = { group: cgroup, environment: { ...environment, HOG_BYTES: String(8 * GiB) } };
      const outcomes = [];
      for (let attempt = 1; attempt <= 8; attempt++) {
        const { exit, stderr, outcome } = await protectedRun(root, { jobs: 2, resume: attempt > 1 }, withHog);
        expect(outcome, stderr).toBeDefined();
        expect(cgroup.events().oomKills).toBe(0);
        // On cgroup v1 a group does not count what the kernel ends in the groups below it.
        expect(outcome?.reason).not.toMatch(/kernel/);
        outcomes.push(outcome?.kind);
        if (exit === 42) continue;
        expect(outcome).toMatchObject({ kind: "failed", exitCode: 1, unfit: ["hog.test.cjs"] });
        expect(outcome?.tests.toSorted()).toEqual([
          "a.test.cjs fine passed",
          "hog.test.cjs before passed",
          "z.test.cjs fine passed",
        ]);
        break;
      }
      expect(outcomes.at(0)).toBe("protected");
      expect(outcomes.at(-1)).toBe("failed");
    });
  }, 120_000);
});

describe.runIf(limitsHere)("a run that the kernel ended for memory before anybody could look", () => {
  it("is stopped, not failed: it goes on like one that the guard stopped", async () => {
    await inGroup("e2e-guard-kernel", GiB / 4, async (cgroup) => {
      cpSync(join(import.meta.dirname, "hog.js"), join(root, "hog.test.cjs"));
      const withHog = { group: cgroup, environment: { ...environment, HOG_BYTES: String(GiB) } };
      const { exit, outcome, stderr } = await protectedRun(root, { selfProtect: false }, withHog);
      expect(exit, stderr).toBe(42);
      expect(outcome).toMatchObject({ kind: "protected", tests: ["hog.test.cjs before passed"] });
    });
  }, 60_000);
});

describe.runIf(limitsHere)("a command that the kernel ended for memory", () => {
  it("has no result: it runs again", async () => {
    await inGroup("e2e-guard-command", GiB / 4, async (cgroup) => {
      writeFileSync(join(root, "fill.cjs"), "const kept = []; for (;;) kept.push(Buffer.alloc(32 * 2 ** 20, 1));");
      const command = `test {} = fine || exec ${process.execPath} fill.cjs`;
      const options = { selfProtect: false, command, items: ["fine", "large"], jobs: 1 };
      const { exit, outcome, stderr } = await protectedRun(root, options, { group: cgroup, environment });
      expect(exit, stderr).toBe(42);
      expect(outcome).toMatchObject({ kind: "protected", tests: ["fine fine passed"] });
    });
  }, 60_000);
});

describe.runIf(limitsHere)("a framework that loses a worker to the kernel for memory", () => {
  it("is stopped, not failed: the worker's file runs again", async () => {
    await inGroup("e2e-guard-worker", GiB / 2, async (cgroup) => {
      symlinkSync(join(import.meta.dirname, "node_modules"), join(root, "node_modules"));
      writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "jest -w 2" } }));
      const fill = "const kept = []; for (;;) kept.push(Buffer.alloc(32 * 2 ** 20, 1));";
      writeFileSync(join(root, "large.test.js"), `test("large", () => { ${fill} });`);
      for (const name of ["a", "b"]) writeFileSync(join(root, `${name}.test.js`), 'test("fine", () => {});');
      const { exit, outcome, stderr } = await protectedRun(
        root,
        { selfProtect: false },
        { group: cgroup, environment },
      );
      expect(exit, stderr + JSON.stringify(outcome)).toBe(42);
      expect(outcome?.tests.toSorted()).toEqual(["a.test.js fine passed", "b.test.js fine passed"]);
    });
  }, 60_000);
});

describe("teardown", () => {
  it("ends children that forked twice, left the session, ignore signals or hold ports, and nobody else", async () => {
    const port = await findFreePort({});
    const foreign = spawn(
      process.execPath,
      ["-e", 'require("node:net").createServer().listen(0, "127.0.0.1"); setInterval(() => {}, 1e6)'],
      { stdio: "ignore" },
    );
    const identity = identifyProcess(foreign.pid ?? 0);
    writeFileSync(
      join(root, "children.test.cjs"),
      `const { test } = require("node:test"); const { spawn } = require("node:child_process");
test("leaves children", async () => {
  const stubborn = 'process.on("SIGTERM", () => {}); process.on("SIGHUP", () => {}); setInterval(() => {}, 1e6);';
  spawn("setsid", [process.execPath, "-e", stubborn], { detached: true, stdio: "ignore" }).unref();
  spawn("sh", ["-c", "(setsid sh -c 'sleep 1000 & sleep 1000' &) &"], { detached: true, stdio: "ignore" }).unref();
  spawn("env", ["-i", "setsid", "sleep", "1000"], { detached: true, stdio: "ignore" }).unref();
  const server = spawn(process.execPath, ["-e", 'require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))'], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  await new Promise((resolve) => server.stdout.once("data", resolve));
  server.stdout.destroy(); server.unref();
});`,
    );
    try {
      const { exit, outcome, stderr } = await protectedRun(root, {}, { environment });
      expect(exit, stderr).toBe(0);
      expect(outcome?.releasedPorts).toContain(port);
      expect(outcome?.teardown).toMatchObject({ survivors: [], troubles: [] });
      expect(findByEnvironment(marker)).toEqual([]);
      expect(listListeners({ ports: [port] })).toEqual([]);
      expect(identity !== undefined && isProcessAlive(identity)).toBe(true);
    } finally {
      foreign.kill("SIGKILL");
    }
  }, 60_000);

  it("refuses to free a port whose owner no guarded run has started", async () => {
    const child = spawn(
      process.execPath,
      [
        "-e",
        'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))',
      ],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    try {
      const port = await new Promise<number>((resolve) =>
        child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString()))),
      );
      expect(await freePort(port)).toMatchObject({ kind: "foreign", owners: [{ pid: child.pid }] });
      expect(listListeners({ ports: [port] })).toHaveLength(1);
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("a suite that hangs", () => {
  it("is stopped by the timeout, keeps what finished, and leaves nothing", async () => {
    writeFileSync(
      join(root, "hangs.test.cjs"),
      `const { test } = require("node:test"); test("quick", () => {}); test("hangs", () => new Promise(() => setInterval(() => {}, 1000)));`,
    );
    const { exit, outcome } = await protectedRun(root, { timeoutMs: 3000 }, { environment });
    expect(exit).toBe(8);
    expect(outcome?.kind).toBe("timeout");
    expect(outcome?.tests).toEqual(["hangs.test.cjs quick passed"]);
  }, 60_000);
});

describe("the journal", () => {
  it("that is corrupt is set aside with a warning, and everything runs", async () => {
    writeFileSync(join(root, "a.test.cjs"), 'require("node:test").test("fine", () => {});');
    await protectedRun(root, {}, { environment });
    const journal = join(root, ".constellation/test/journal.jsonl");
    writeFileSync(journal, readFileSync(journal, "utf8").replace('"passed"', '"failed"'));
    const { outcome } = await protectedRun(root, { resume: true }, { environment });
    expect(outcome?.tests).toEqual(["a.test.cjs fine passed"]);
    expect(readFileSync(`${journal}.corrupt`, "utf8")).toContain('"failed"');
  }, 60_000);

  it("runs the tests of an edited file again, and only those", async () => {
    const body = 'require("node:fs").appendFileSync("ran.log", "x"); require("node:test").test("fine", () => {});';
    for (const name of ["a", "b"]) writeFileSync(join(root, `${name}.test.cjs`), body);
    await protectedRun(root, {}, { environment });
    writeFileSync(join(root, "b.test.cjs"), `${body} // edited`);
    const { outcome } = await protectedRun(root, { resume: true }, { environment });
    expect(readFileSync(join(root, "ran.log"), "utf8")).toBe("xxx");
    expect(outcome?.tests).toHaveLength(2);
  }, 60_000);

  it("that cannot be written fails the run before a test starts", async () => {
    writeFileSync(join(root, "a.test.cjs"), 'require("node:fs").writeFileSync("ran.log", "x")');
    mkdirSync(join(root, ".constellation/test/journal.jsonl"), { recursive: true });
    const { exit, stderr } = await protectedRun(root, {}, { environment });
    expect(exit).not.toBe(0);
    expect(stderr).toMatch(/Cannot write the journal/);
    expect(() => readFileSync(join(root, "ran.log"))).toThrow();
  });
});
