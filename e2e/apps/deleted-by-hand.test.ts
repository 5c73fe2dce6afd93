import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Home } from "./home.ts";

const eventually = { timeout: 20_000, interval: 100 };

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.close(), 60_000);

test("artifacts that were deleted come back: made anew from what is stored, or sent by the next up", async () => {
  home.write("loop.ts", "setInterval(() => undefined, 1000);");
  home.spec({ name: "loop", script: "./loop.ts" });
  await home.ok("up");
  const before = await home.pids();
  rmSync(join(home.home, "artifacts"), { recursive: true });
  await home.ok("restart", "loop");
  await vi.waitFor(async () => {
    const after = await home.pids();
    expect(Object.keys(after)).toEqual(["loop.1"]);
    expect(after).not.toEqual(before);
  }, eventually);
  await home.ok("up");
  for (const folder of ["artifacts", "blobs"]) rmSync(join(home.home, folder), { recursive: true });
  await home.ok("restart", "loop");
  await vi.waitFor(async () => {
    const { apps } = await home.ps();
    expect(apps[0]?.detail).toContain("is gone from the disk; send it again with `constellation up`");
  }, eventually);
  expect(await home.ok("up")).toContain("retried");
  expect((await home.ps()).apps).toMatchObject([{ status: "healthy" }]);
}, 90_000);

test("a daemon whose socket was deleted is reached again", async () => {
  await home.ok("daemon", "start");
  const { pid } = home.daemon();
  rmSync(join(home.home, "run", "daemon.sock"));
  await vi.waitFor(() => home.ok("ps"), eventually);
  expect(await home.ok("daemon", "stop")).toContain(`pid ${pid}`);
}, 60_000);
