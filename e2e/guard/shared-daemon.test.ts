import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findByEnvironment, listListeners } from "@constellation/host";
import { addUp, readHolder, readJournal } from "@constellation/guard";
import { limitsHere } from "../../packages/instances/test/limits-here.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually, SharedMachine } from "./shared-machine.ts";

const MiB = 2 ** 20;

let machine: SharedMachine;
beforeEach(() => void (machine = new SharedMachine(1024 * MiB)));
afterEach(() => machine.close());

const bodies = (root: string): string[] =>
  existsSync(join(root, "bodies.log"))
    ? readFileSync(join(root, "bodies.log"), "utf8").split("\n").filter(Boolean)
    : [];
const guarded = (root: string, ...words: string[]) =>
  machine.constellation(["test", "--self-protect", "--jobs", "1", "--reporter", "plain", ...words], root);
const phases = async () => (await machine.runs()).toSorted((a, b) => a.sinceMs - b.sinceMs).map(({ phase }) => phase);

function ledgerOf(root: string) {
  const content = readJournal(join(root, ".constellation/test/journal.jsonl"));
  if (content.kind !== "sound") throw new Error(`the journal is ${content.kind}`);
  return addUp(content.records);
}

describe.runIf(limitsHere)("two runs and one daemon", () => {
  it("when memory gets tight the younger stops, the older goes on; it comes back in its own terminal and repeats nothing", async () => {
    await machine.startDaemon();
    const [oldRoot, youngRoot] = [machine.project("old", 4, 30, 100), machine.project("young", 4, 30, 100)];
    const old = guarded(oldRoot);
    await eventually(() => bodies(oldRoot).length > 0);
    const young = guarded(youngRoot);
    await eventually(
      () => bodies(youngRoot).length > 3,
      () => young.said(),
    );
    const hog = await machine.fillUpTo(870);
    await eventually(
      async () => (await phases())[1] === "parked",
      () => `${old.said()}\n=====\n${young.said()}`.replaceAll(/^(#|ok| ).*\n/gm, ""),
      20_000,
    );
    expect((await phases())[0]).toBe("running");
    hog.kill("SIGKILL");
    expect(await young.ended, young.said()).toBe(0);
    expect(await old.ended, old.said()).toBe(0);
    expect(young.said()).toMatch(/goes on by itself when the machine has recovered/);
    expect(ledgerOf(youngRoot).attempts.length).toBeGreaterThan(1);
    expect(ledgerOf(oldRoot).attempts).toHaveLength(1);
    for (const root of [oldRoot, youngRoot]) {
      expect(ledgerOf(root).tests.size).toBe(120);
      expect(ledgerOf(root).repeated).toBe(0);
      expect(new Set(bodies(root)).size).toBe(120);
      expect(bodies(root)).toHaveLength(120);
    }
    expect(await machine.runs()).toEqual([]);
  }, 120_000);

  it("a daemon that is killed leaves the runs protected, and the next one takes them over", async () => {
    const first = await machine.startDaemon();
    const root = machine.project("p", 4, 20, 100);
    const run = guarded(root);
    await eventually(async () => (await phases())[0] === "running");
    process.kill(first, "SIGKILL");
    await eventually(() => run.said().includes("the daemon is gone: this run protects itself"));
    const second = await machine.startDaemon();
    expect(second).not.toBe(first);
    await eventually(
      async () => (await machine.runs()).some(({ pid }) => pid === run.child.pid),
      () => run.said(),
    );
    expect(await run.ended, run.said()).toBe(0);
    expect(ledgerOf(root).tests.size).toBe(80);
    expect(bodies(root)).toHaveLength(80);
    await eventually(async () => (await machine.runs()).length === 0);
  }, 120_000);

  it.each(["SIGKILL", "SIGHUP"] as const)(
    "a run that was stopped and whose terminal is gone goes on in its log (%s)",
    async (signal) => {
      await machine.startDaemon();
      const root = machine.project("p", 3, 20, 50);
      const run = guarded(root);
      await eventually(() => bodies(root).length > 3);
      const hog = await machine.fillUpTo(870);
      await eventually(async () => (await phases())[0] === "parked");
      run.child.kill(signal);
      await run.ended;
      hog.kill("SIGKILL");
      await eventually(() => bodies(root).length === 60);
      await eventually(async () => (await machine.runs()).length === 0);
      expect(ledgerOf(root)).toMatchObject({ repeated: 0 });
      expect(ledgerOf(root).tests.size).toBe(60);
      const log = (): string => readFileSync(join(root, ".constellation/test/output.log"), "utf8");
      await eventually(() => log().includes("60 passed, 0 failed"));
    },
    120_000,
  );
});

describe.runIf(limitsHere)("a runner that is killed", () => {
  it("leaves nothing: processes of its own session, ports and control group are gone", async () => {
    await machine.startDaemon();
    const root = machine.project("p", 1, 1, 1);
    writeFileSync(
      join(root, "children.test.cjs"),
      `const { test } = require("node:test"); const { spawn } = require("node:child_process"); const { writeFileSync } = require("node:fs");
test("leaves children", () => {
  spawn(process.execPath, ["-e", 'require("node:net").createServer().listen(Number(process.env.CONSTELLATION_PORTS), "127.0.0.1", () => require("node:fs").writeFileSync("up", ""))'], { detached: true, stdio: "ignore" });
  return new Promise((resolve) => setTimeout(resolve, 60_000));
});`,
    );
    writeFileSync(join(root, "constellation.test.yaml"), "ports: 1\n");
    const run = guarded(root);
    await eventually(
      () => existsSync(join(root, "up")),
      () => run.said(),
      20_000,
    );
    const [port = 0] = (await machine.runs())[0]?.ports ?? [];
    expect(listListeners({ ports: [port] })).toHaveLength(1);
    const id = readHolder(join(root, ".constellation/test"))?.run ?? "none";
    run.child.kill("SIGKILL");
    await eventually(async () => (await machine.runs()).length === 0);
    expect(findByEnvironment({ name: "CONSTELLATION_RUN", value: id })).toEqual([]);
    expect(listListeners({ ports: [port] })).toEqual([]);
  }, 60_000);

  it("with a daemon that died with it: the next daemon cleans up", async () => {
    const daemon = await machine.startDaemon();
    const root = machine.project("p", 1, 1, 60_000);
    const run = guarded(root);
    await eventually(
      () => existsSync(join(root, ".constellation/test/journal.jsonl")) && ledgerOf(root).attempts.length > 0,
      () => run.said(),
    );
    const id = readHolder(join(root, ".constellation/test"))?.run ?? "none";
    await eventually(() => findByEnvironment({ name: "CONSTELLATION_RUN", value: id }).length > 0);
    process.kill(daemon, "SIGKILL");
    run.child.kill("SIGKILL");
    await run.ended;
    expect(findByEnvironment({ name: "CONSTELLATION_RUN", value: id })).not.toEqual([]);
    await machine.startDaemon();
    await eventually(() => findByEnvironment({ name: "CONSTELLATION_RUN", value: id }).length === 0);
    await eventually(async () => (await machine.runs()).length === 0);
  }, 60_000);
});

describe.runIf(limitsHere)("admission", () => {
  it("makes a run wait whose memory does not fit beside what was promised", async () => {
    await machine.startDaemon();
    const [first, second] = [machine.project("first", 1, 1, 1), machine.project("second", 1, 1, 1)];
    for (const root of [first, second]) {
      const run = guarded(root);
      expect(await run.ended, run.said()).toBe(0);
      writeFileSync(join(root, ".constellation/test/last.json"), JSON.stringify({ tests: 1, peakBytes: 500 * MiB }));
    }
    // It ends when it is told to, however slow the machine is.
    writeFileSync(
      join(first, "s0.test.cjs"),
      `const { test } = require("node:test"); const { existsSync } = require("node:fs");
test("waits", async () => { while (!existsSync(__dirname + "/go")) await new Promise((r) => setTimeout(r, 20)); });`,
    );
    const a = guarded(first);
    await eventually(async () => (await phases())[0] === "running");
    const b = guarded(second);
    await eventually(
      async () => (await phases())[1] === "waiting",
      () => b.said(),
      15_000,
    );
    await eventually(
      () => /waiting: it needs 500 MiB/.test(b.said()),
      () => b.said(),
    );
    writeFileSync(join(first, "go"), "");
    expect(await a.ended, a.said()).toBe(0);
    expect(await b.ended, b.said()).toBe(0);
    expect(await machine.runs()).toEqual([]);
  }, 60_000);
});
