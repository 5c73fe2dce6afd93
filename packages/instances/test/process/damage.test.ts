import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newRunId } from "@constellation/instances";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { end, line, shell } from "./runs.ts";

let playground: Playground;
const { signal } = new AbortController();
beforeEach(() => void (playground = new Playground()));
afterEach(async () => {
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});
const folderOf = (runId: string): string => join(playground.runtime, "runs", runId);

test.each(["", "{", '{"version":99}', "\0\0\0", "null"])(
  "a run whose record reads %j is ended and cleared by the next daemon, and nothing else is",
  async (content) => {
    const driver = await playground.open();
    const damaged = await driver.start(shell(playground, "sleep 1000000"), { signal });
    const sound = await driver.start(shell(playground, "sleep 1000000"), { signal });
    writeFileSync(join(folderOf(damaged.facts.runId), "run.json"), content);
    await driver.close();
    const next = await playground.open();
    expect((await next.list()).map(({ runId }) => runId)).toEqual([sound.facts.runId]);
    expect(await next.recover(damaged.facts.runId)).toEqual({ status: "never-started" });
    damaged.detach();
    await end(next, sound);
  },
);

test("a folder that a daemon made and did not fill is cleared", async () => {
  mkdirSync(join(playground.runtime, "runs"), { recursive: true });
  mkdirSync(folderOf(newRunId(Date.now(), 0.3)));
  const driver = await playground.open();
  expect(await driver.list()).toEqual([]);
});

test("where somebody deleted the folder of all runs the next one starts all the same", async () => {
  const driver = await playground.open();
  await end(driver, await driver.start(shell(playground, "sleep 1000000"), { signal }));
  rmSync(playground.runtime, { recursive: true });
  const handle = await driver.start(shell(playground, "sleep 1000000"), { signal });
  for (const folder of [playground.runtime, join(playground.runtime, "runs")])
    expect(statSync(folder).mode & 0o777).toBe(0o711);
  await end(driver, handle);
  await driver.close();
});

const unreadable = ["", "garbage\nend\n"];

test.each(["runs", "spares"])(
  "what nobody can read in a folder of a dead daemon's %s does not keep the next from opening",
  async (kind) => {
    for (const file of ["exit", "pid"])
      for (const content of unreadable) {
        const folder = join(playground.runtime, kind, newRunId(Date.now(), Math.random()));
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "lock"), "");
        writeFileSync(join(folder, file), content);
      }
    const driver = await playground.open();
    expect(await driver.list()).toEqual([]);
  },
);

test.each(["exit", "pid", "end.json", "stop.json", "notes.json"])(
  "a run that ended has ended, whatever became of its file %s",
  async (file) => {
    for (const content of unreadable) {
      const driver = await playground.open();
      const handle = await driver.start(shell(playground, "true"), { signal });
      await handle.wait();
      handle.detach();
      await driver.close();
      writeFileSync(join(folderOf(handle.facts.runId), file), content);
      const next = await playground.open();
      expect(await next.recover(handle.facts.runId)).toMatchObject({ status: "ended" });
      await next.release(handle.facts.runId);
      await next.close();
    }
  },
);

test.each(["pid", "stop.json", "notes.json"])(
  "a run goes on once, or ends, whatever became of its file %s",
  async (file) => {
    const driver = await playground.open();
    const handle = await driver.start(shell(playground, "sleep 1000000"), { signal });
    handle.detach();
    await driver.close();
    writeFileSync(join(folderOf(handle.facts.runId), file), "garbage\nend\n");
    const next = await playground.open();
    const recovery = await next.recover(handle.facts.runId);
    expect(recovery.status).toBe(file === "pid" ? "ended" : "running");
    if (recovery.status === "running") await end(next, recovery.handle);
    else await next.release(handle.facts.runId);
  },
  30_000,
);

test("what is no run of ours is left alone", async () => {
  mkdirSync(join(playground.runtime, "runs", "README"), { recursive: true });
  const driver = await playground.open();
  expect(await driver.list()).toEqual([]);
  rmdirSync(join(playground.runtime, "runs", "README"));
});

test("numbers that cannot be read stop the driver with the name of their file, and are not overwritten", async () => {
  mkdirSync(playground.state, { recursive: true });
  mkdirSync(join(playground.runtime, "runs"), { recursive: true });
  const path = join(playground.state, "numbers.jsonl");
  writeFileSync(path, '["web.1","x"]\n');
  await expect(playground.open()).rejects.toThrow(path);
  expect(readFileSync(path, "utf8")).toBe('["web.1","x"]\n');
});

test("instances keep their number, and so their user, over daemons", async () => {
  const driver = await playground.open();
  const request = shell(playground, "sleep 1000000");
  const other = await driver.start(shell(playground, "sleep 1000000"), { signal });
  const first = await driver.start(request, { signal });
  const before = first.facts.measures;
  await end(driver, first);
  await end(driver, other);
  await driver.close();
  const next = await playground.open();
  const again = await next.start({ ...request, runId: newRunId(Date.now(), 0.7) }, { signal });
  expect(again.facts.measures).toEqual(before);
  await end(next, again);
});

test("a stop is over when its grace is, although the machine's clock was set back by a day meanwhile", async () => {
  const driver = await playground.open();
  const handle = await driver.start(shell(playground, "trap '' TERM; echo up; while :; do sleep 0.05; done"), {
    signal,
  });
  await line(handle, /up/);
  handle.detach();
  await driver.close();
  const stop = { signal: "SIGTERM", graceMs: 200, killAt: Date.now() + 86_400_000 };
  writeFileSync(join(folderOf(handle.facts.runId), "stop.json"), JSON.stringify(stop));
  const next = await playground.open();
  const recovery = await next.recover(handle.facts.runId);
  if (recovery.status !== "running") throw new Error(`recovered as ${recovery.status}, wanted running`);
  expect(await recovery.handle.wait()).toMatchObject({ kind: "killed" });
  await end(next, recovery.handle);
});
