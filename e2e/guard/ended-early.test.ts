import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { findByEnvironment, openCgroupBase, removeCgroupBase } from "@constellation/host";
import { addUp, readJournal } from "@constellation/guard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const cli = join(import.meta.dirname, "../../packages/cli/dist/constellation.js");

let root: string;
let marker: { name: string; value: string };
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-early-")));
  marker = { name: "E2E_EARLY", value: root };
});
afterEach(() => {
  expect(findByEnvironment(marker)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
  const base = openCgroupBase({ placement: "own", name: "constellation-guard" });
  if (base.kind === "ready") removeCgroupBase(base.base);
});

const start = (...words: string[]) =>
  spawn(process.execPath, [cli, "test", "--no-daemon", "--self-protect", ...words], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: root, [marker.name]: marker.value },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** A guarded command that says when it has begun. */
async function guarded(command: string) {
  writeFileSync(join(root, "test.sh"), `touch begun\n${command}\n`);
  const child = start("--command", "sh ./test.sh");
  const ended = new Promise<number | string | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal)),
  );
  for (let waited = 0; waited < 20_000 && !existsSync(join(root, "begun")); waited += 20) await sleep(20);
  return { child, ended };
}

function lastStop() {
  const content = readJournal(join(root, ".constellation/test/journal.jsonl"));
  if (content.kind !== "sound") throw new Error(`the journal is ${content.kind}`);
  return addUp(content.records).attempts.at(-1)?.stop?.why;
}

describe("a run that is ended before its time", () => {
  it("by one Ctrl-C that npm hands on a second time ends in order", async () => {
    const { child, ended } = await guarded("sleep 1000");
    child.kill("SIGINT");
    await sleep(20);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(lastStop()).toBe("interrupted");
  }, 60_000);

  it("by a second Ctrl-C leaves nothing", async () => {
    const { child, ended } = await guarded("setsid sleep 1000 & sleep 1000");
    child.kill("SIGINT");
    await sleep(500);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(lastStop()).toBe(undefined);
  }, 60_000);

  it("by the end of its terminal ends in order", async () => {
    const { child, ended } = await guarded("sleep 1000");
    child.kill("SIGHUP");
    expect(await ended).toBe(130);
    expect(lastStop()).toBe("interrupted");
  }, 60_000);
});

describe("a run whose reader leaves", () => {
  it("goes on to its end, and ends with its own exit code", async () => {
    const { child, ended } = await guarded("sleep 1; exit 3");
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await ended).toBe(1);
    expect(lastStop()).toBe("finished");
  }, 60_000);
});

describe("a run whose reader is slow", () => {
  it("has all told that its tests have written, each in one piece", async () => {
    mkdirSync(join(root, "test"));
    writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "node --test" } }));
    const names = ["a", "b", "c"];
    for (const name of names)
      writeFileSync(
        join(root, `test/${name}.test.js`),
        `const line = "${name}".repeat(999) + "\\n";
         require("node:test").test("talks", () => { for (let at = 0; at < 4000; at += 1) require("node:fs").writeSync(1, line); });`,
      );
    const child = start("--reporter", "plain", "--jobs", "3");
    await sleep(3000);
    const told = await text(child.stdout);
    expect(told.match(/([abc])\1{998}\n/g)).toHaveLength(names.length * 4000);
    expect(told.match(/(?:a{999}\n)+|(?:b{999}\n)+|(?:c{999}\n)+/g)).toHaveLength(names.length);
  }, 60_000);
});

describe("a run whose guard is suspended", () => {
  it("stops with it, and goes on with it", async () => {
    const { child, ended } = await guarded("while [ ! -e end ]; do date +%s%N > now; sleep 0.05; done");
    const now = (): string => readFileSync(join(root, "now"), "utf8");
    const stateOf = (): string => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? "";
    child.kill("SIGTSTP");
    for (let waited = 0; waited < 10_000 && stateOf() !== "T"; waited += 20) await sleep(20);
    expect(stateOf()).toBe("T");
    const before = now();
    await sleep(500);
    expect(now()).toBe(before);
    child.kill("SIGCONT");
    for (let waited = 0; waited < 10_000 && now() === before; waited += 20) await sleep(20);
    expect(now()).not.toBe(before);
    writeFileSync(join(root, "end"), "");
    expect(await ended).toBe(0);
  }, 60_000);
});
