import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { FolderWatch } from "../../src/logs/folder-watch.ts";

test("what is written to a folder that was deleted and made anew is heard of, not found at the next look", async () => {
  const directory = mkdtempSync(join(tmpdir(), "folder-watch-"));
  const folder = join(directory, "web.1");
  mkdirSync(folder);
  const watch = new FolderWatch(directory);
  onTestFinished(() => {
    watch.close();
    rmSync(directory, { recursive: true });
  });
  const { signal } = new AbortController();
  const heard = async (): Promise<boolean> => {
    await sleep(50);
    const { looked, written } = await watch.wait(signal);
    return !looked && written.has("web.1");
  };
  watch.add("web.1");
  rmSync(folder, { recursive: true });
  await heard();
  mkdirSync(folder);
  expect(await heard()).toBe(true);
  writeFileSync(join(folder, "log"), "a line");
  expect(await heard()).toBe(true);
});
