import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { noSlots, ProcessDriver } from "@constellation/instances";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runFiles } from "../../src/process/folders.ts";
import { Playground } from "./playground.ts";
import { line, shell } from "./runs.ts";

let playground: Playground;
const { signal } = new AbortController();
beforeAll(() => void (playground = new Playground()));
afterAll(() => playground.close());

test("a stop, and the end that it leads to, go on where nothing can be written down, and that is told", async () => {
  const { runtime, state, cgroupBase } = playground;
  const told: string[] = [];
  const report = (text: string): void => void told.push(text);
  const driver = await ProcessDriver.open({ runtime, state, cgroupBase, slots: noSlots, report });
  try {
    const request = shell(playground, "trap '' TERM; echo up; while :; do sleep 0.05; done");
    const handle = await driver.start(request, { signal });
    await line(handle, /^up$/);
    // Where a file of ours would be made lies what no file can be written to, as on a full disk.
    for (const name of [`${runFiles.stop}.new`, "end.json.new"]) mkdirSync(join(runtime, "runs", request.runId, name));
    const first = handle.stop("SIGTERM", 60_000);
    // Who asks again signals nothing and only shortens the grace, as ever.
    const exit = await handle.stop("SIGTERM", 300);
    expect(exit).toMatchObject({ kind: "killed", reason: expect.stringContaining("SIGTERM") });
    expect(await first).toEqual(exit);
    expect(told).toEqual([
      expect.stringMatching(/: its stop goes on, but is not written down/),
      expect.stringMatching(/: its stop goes on, but is not written down/),
      expect.stringMatching(/: how it ended is not written down/),
    ]);
    handle.detach();
    await driver.release(request.runId);
    expect(await playground.leftovers()).toEqual([]);
  } finally {
    await driver.close();
  }
});
