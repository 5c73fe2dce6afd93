import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { noSlots, ProcessDriver, type RunHandle } from "@constellation/instances";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Playground } from "./playground.ts";
import { line, shell } from "./runs.ts";

const { signal } = new AbortController();
const told: string[] = [];
let playground: Playground;
let driver: ProcessDriver;
beforeEach(async () => {
  playground = new Playground();
  const { runtime, state, cgroupBase } = playground;
  told.length = 0;
  const report = (text: string): void => void told.push(text);
  driver = await ProcessDriver.open({ runtime, state, cgroupBase, slots: noSlots, report });
});
afterEach(async () => {
  await driver.close();
  await playground.close();
});

async function started(script: string): Promise<{ handle: RunHandle; folder: string }> {
  const request = shell(playground, `${script}; echo up; while :; do sleep 0.05; done`);
  const handle = await driver.start(request, { signal });
  await line(handle, /^up$/);
  return { handle, folder: join(playground.runtime, "runs", request.runId) };
}

/** Whether we have a file open: the life of a run is watched from a few milliseconds after its start on. */
function isOpenHere(path: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // it was that of the folder itself
    }
  });
}

async function leavesNothing(handle: RunHandle): Promise<void> {
  handle.detach();
  await driver.release(handle.facts.runId);
  expect(await playground.leftovers()).toEqual([]);
}

/** Opening a folder for writing fails as any other lack of the machine does: neither "gone" nor "there". */
function block(folder: string): () => void {
  const control = join(folder, "control");
  renameSync(control, `${control}.away`);
  mkdirSync(control);
  return () => {
    rmdirSync(control);
    renameSync(`${control}.away`, control);
  };
}

test("a signal that cannot be sent now, as without a free descriptor, is sent a moment later", async () => {
  const { handle, folder } = await started("trap 'exit 5' TERM");
  const free = block(folder);
  const ended = handle.stop("SIGTERM", 60_000);
  await sleep(200);
  free();
  expect(await ended).toMatchObject({ kind: "stopped", code: 5 });
  expect(told).toEqual([expect.stringMatching(/: its stop is held up/)]);
  await leavesNothing(handle);
});

test("neither is its end by force given up", async () => {
  const { handle, folder } = await started("trap '' TERM");
  const ended = handle.stop("SIGTERM", 300);
  const free = block(folder);
  await sleep(600);
  free();
  expect(await ended).toMatchObject({ kind: "killed" });
  expect(told.length).toBeGreaterThan(0);
  await leavesNothing(handle);
});

test("a supervisor that somebody stopped keeps no instance from stopping, in order or by force", async () => {
  for (const [script, graceMs, kind] of [
    ["trap 'exit 5' TERM", 60_000, "stopped"],
    ["trap '' TERM", 200, "killed"],
  ] as const) {
    const { handle, folder } = await started(script);
    const supervisor = Number(/^supervisor (\d+)/.exec(readFileSync(join(folder, "pid"), "latin1"))?.[1]);
    process.kill(supervisor, "SIGSTOP");
    const ended = handle.stop("SIGTERM", graceMs);
    // Stopped once more while its grace goes on.
    if (kind === "killed") process.kill(supervisor, "SIGSTOP");
    expect(await ended).toMatchObject({ kind });
    await leavesNothing(handle);
  }
});

test("who deletes the folder of a run takes no stop from it, in order or by force", async () => {
  for (const [script, graceMs, exit] of [
    ["trap 'exit 5' TERM", 60_000, { kind: "stopped", code: 5 }],
    ["trap '' TERM", 200, { signal: "SIGKILL" }],
  ] as const) {
    const { handle, folder } = await started(script);
    await vi.waitFor(() => expect(isOpenHere(join(folder, "life"))).toBe(true));
    rmSync(folder, { recursive: true });
    expect(await handle.stop("SIGTERM", graceMs)).toMatchObject(exit);
    handle.detach();
  }
  // Of a control group that no folder tells of the next daemon takes care.
  await driver.close();
  driver = await playground.open();
  expect(await playground.leftovers()).toEqual([]);
});
