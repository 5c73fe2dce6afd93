import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  bootId,
  environmentEntry,
  findByEnvironment,
  HostError,
  identifyProcess,
  isProcessAlive,
  KeptFile,
  listPids,
  ProcessReader,
  lookAtProcess,
  processTree,
  signalProcess,
  uptimeMs,
  type ProcessTree,
} from "../../src/index.ts";
import { endChild, firstOutput, startChild } from "../children.ts";

describe.runIf(process.platform === "linux")("processes of this machine", () => {
  test("an entry of an environment is found whole, wherever it stands, and only by its whole name", async () => {
    const long = "x".repeat(100_000);
    const env = { FIRST: "1=2", FIRST_TOO: "é", MIDDLE: long, EMPTY: "", LAST: "end" };
    const child = startChild("/usr/bin/env", [
      "-i",
      ...Object.entries(env).map((each) => each.join("=")),
      "/bin/sleep",
      "60",
    ]);
    await settle(() => environmentEntry(child.pid, "LAST") === "end");
    for (const [name, value] of Object.entries(env)) expect(environmentEntry(child.pid, name)).toBe(value);
    expect(environmentEntry(child.pid, "IRST")).toBeUndefined();
    expect(environmentEntry(child.pid, "FIRS")).toBeUndefined();
    await endChild(child);
    expect(environmentEntry(child.pid, "LAST")).toBeUndefined();
  });

  test("an entry is found in an environment of megabytes, and where two pieces of it meet", async () => {
    for (const before of [65_500, 65_510, 65_520, 65_530, 65_536, 131_060, 900_000]) {
      const words = Array.from(
        { length: Math.ceil(before / 100_000) },
        (_, at) => `F${at}=${"x".repeat(Math.floor(before / Math.ceil(before / 100_000)))}`,
      );
      const child = startChild("/usr/bin/env", [
        "-i",
        ...words,
        "NOT_MARKER=v",
        "MARKER=value of it",
        "/bin/sleep",
        "60",
      ]);
      await settle(() => environmentEntry(child.pid, "MARKER") !== undefined);
      expect(environmentEntry(child.pid, "MARKER")).toBe("value of it");
      expect(findByEnvironment({ name: "MARKER", value: "value of it" }).map(({ pid }) => pid)).toEqual([child.pid]);
      await endChild(child);
    }
  });

  test("an identity lives as long as its process", async () => {
    const child = startChild("sleep", ["60"]);
    const identity = identifyProcess(child.pid);
    expect(identity).toBeDefined();
    if (identity === undefined) return;
    expect(isProcessAlive(identity)).toBe(true);
    await endChild(child);
    expect(isProcessAlive(identity)).toBe(false);
    expect(signalProcess(identity, "SIGTERM")).toBe("gone");
  });

  test("a signal meant for an earlier owner of the pid does not hit its present owner", async () => {
    const child = startChild("sleep", ["60"]);
    const now = identifyProcess(child.pid);
    if (now === undefined) throw new Error("the child has no identity");
    const earlier = { ...now, startTicks: now.startTicks - 1 };
    expect(signalProcess(earlier, "SIGKILL")).toBe("gone");
    expect(isProcessAlive(now)).toBe(true);
    expect(signalProcess(now, 0)).toBe("sent");
  });

  test.each([0, -1, 1, 1.5, Number.NaN])("pid %s is never signalled", (pid) => {
    expect(() => signalProcess({ pid, startTicks: 0 }, "SIGTERM")).toThrow(HostError);
  });

  test("a reader is bound to its process and fails as gone afterwards", async () => {
    const child = startChild("sleep", ["60"], { FLAVOUR: "sweet" });
    await settle(() => processTree(child.pid)?.commandLine[0] === "sleep");
    const reader = ProcessReader.open(child.pid);
    expect(reader.identity).toEqual(identifyProcess(child.pid));
    expect(reader.commandLine()).toEqual(["sleep", "60"]);
    expect(reader.environment().get("FLAVOUR")).toBe("sweet");
    expect(reader.stat().command).toBe("sleep");
    expect(reader.status().name).toBe("sleep");
    expect(reader.rssBytes()).toBeGreaterThan(0);
    expect(reader.memory().pssBytes).toBeGreaterThan(0);
    expect(reader.memory().pssBytes).toBeLessThanOrEqual(reader.memory().rssBytes);
    expect(reader.fdCount()).toBe(readdirSync(`/proc/${child.pid}/fd`).length);
    expect(reader.io().readCallBytes).toBeGreaterThan(0);
    expect(reader.network().map((each) => each.name)).toContain("lo");
    await endChild(child);
    for (const read of [
      () => reader.stat(),
      () => reader.rssBytes(),
      () => reader.fdCount(),
      () => reader.commandLine(),
    ])
      expect(read).toThrow(expect.objectContaining({ code: "process-gone" }));
    reader.close();
    reader.close();
    expect(() => ProcessReader.open(child.pid)).toThrow(expect.objectContaining({ code: "process-gone" }));
  });

  test("readers leave no descriptor open", () => {
    const self = ProcessReader.open(process.pid);
    const before = self.fdCount();
    for (let round = 0; round < 50; round++) {
      const reader = ProcessReader.open(process.pid);
      reader.stat();
      reader.io();
      reader.fdCount();
      reader.close();
    }
    expect(self.fdCount()).toBe(before);
    self.close();
  });

  test("the marker finds children that forked twice and took a session of their own", async () => {
    const marker = { name: "HOST_TEST_MARKER", value: `run-${process.pid}-${Date.now()}` };
    const script = "setsid sh -c '(sleep 60 & sleep 60 & echo two; wait) & wait' & echo up; wait";
    const child = startChild("sh", ["-c", script], { [marker.name]: marker.value });
    await firstOutput(child);
    await settle(() => findByEnvironment(marker).length >= 5);
    const found = findByEnvironment(marker);
    expect(found.map((each) => each.pid)).toContain(child.pid);
    expect(findByEnvironment({ ...marker, value: marker.value.slice(0, -1) })).toEqual([]);
    for (let left = found; left.length > 0; left = findByEnvironment(marker)) {
      for (const each of left) signalProcess(each, "SIGKILL");
      await sleep(5);
    }
    expect(findByEnvironment(marker)).toEqual([]);
  });

  test("a marker that could match by accident is refused", () => {
    expect(() => findByEnvironment({ name: "A=B", value: "" })).toThrow(
      expect.objectContaining({ code: "name-invalid" }),
    );
  });

  test("the tree below a process shows its children", async () => {
    const child = startChild("sh", ["-c", "sleep 61 & sleep 62 & echo up; wait"]);
    await firstOutput(child);
    await settle(() => commandsIn(processTree(child.pid)).filter((each) => each.startsWith("sleep")).length === 2);
    const tree = processTree(child.pid);
    expect(commandsIn(tree).sort()).toEqual(["sh -c sleep 61 & sleep 62 & echo up; wait", "sleep 61", "sleep 62"]);
    for (const each of tree?.children ?? []) process.kill(each.stat.pid, "SIGKILL");
    expect(processTree(2 ** 22 + 1)).toBeUndefined();
  });

  test("a command line that is long is told in part", async () => {
    const script = 'console.log("up"); setInterval(() => {}, 1000)';
    const child = startChild(process.execPath, ["-e", script, "grün €", "b".repeat(100_000)]);
    await firstOutput(child);
    const { commandLine = [] } = lookAtProcess(child.pid) ?? {};
    expect(commandLine.slice(0, 4)).toEqual([process.execPath, "-e", script, "grün €"]);
    expect(Buffer.byteLength(commandLine.join(" "))).toBe(4096);
    expect(processTree(child.pid)?.commandLine).toEqual(commandLine);
    expect(lookAtProcess(2 ** 22 + 1)).toBeUndefined();
  });

  test("this process is listed, the boot has an id and a duration", () => {
    expect(listPids()).toContain(process.pid);
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(uptimeMs()).toBeGreaterThan(0);
  });
});

test("a table larger than the shared buffer is read whole, and again after it shrank", () => {
  const folder = mkdtempSync(join(tmpdir(), "host-kept-"));
  const path = join(folder, "table");
  const large = "0123456789abcdef\n".repeat(20_000);
  writeFileSync(path, large);
  const file = KeptFile.open(path);
  expect(file.read()).toBe(large);
  writeFileSync(path, "42 rest");
  expect(file.read()).toBe("42 rest");
  expect(file.readUnsigned()).toBe(42);
  writeFileSync(path, "1234 567 8\n");
  expect([0, 1, 2, 3].map((word) => file.readUnsigned(word))).toEqual([1234, 567, 8, undefined]);
  writeFileSync(path, "max\n");
  expect(file.readUnsigned()).toBeUndefined();
  file.close();
  expect(() => file.read()).toThrow(HostError);
  rmSync(folder, { recursive: true });
  expect(KeptFile.openIfPresent(path)).toBeUndefined();
});

function commandsIn(tree: ProcessTree | undefined): string[] {
  if (tree === undefined) return [];
  return [tree.commandLine.join(" "), ...tree.children.flatMap(commandsIn)];
}

async function settle(isTrue: () => boolean): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (isTrue()) return;
    await sleep(10);
  }
  throw new Error("what was waited for did not come true within 5 s");
}
