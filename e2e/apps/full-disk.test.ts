import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Home } from "./home.ts";

/** An app has filled the disk that the daemon's home lies on. */
describe.skipIf(process.getuid?.() !== 0)("on a full disk", () => {
  let home: Home;

  beforeEach(async () => {
    home = new Home();
    mkdirSync(home.home, { mode: 0o711 });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m,mode=711", "none", home.home]);
    const fill = "dd if=/dev/zero of=$DATA_DIR/x bs=64k; sleep 1000";
    home.spec({ name: "fill", command: ["sh", "-c", fill], stop: { grace: "200ms" } });
    await home.ok("up", "--no-wait");
    for (let look = 0; look < 500 && statfsSync(home.home).bavail > 0; look += 1) await sleep(20);
    expect(statfsSync(home.home).bavail).toBe(0);
  }, 60_000);

  afterEach(async () => {
    try {
      rmSync(join(home.home, "data"), { recursive: true, force: true });
      await home.constellation("daemon", "stop", "--instances");
    } finally {
      execFileSync("umount", ["-l", home.home]);
      await home.close();
    }
  }, 60_000);

  test("the daemon ends with its instances all the same", async () => {
    const { pid } = home.daemon();
    const program = (await home.pids())["fill.1"];
    expect(await home.constellation("daemon", "stop", "--instances")).toMatchObject({
      status: 0,
      out: `Stopped the daemon, pid ${pid}; instances are stopped\n`,
    });
    expect(() => readFileSync(`/proc/${program}/stat`)).toThrow("ENOENT");
  }, 60_000);

  test("a stop that cannot be promised is refused with the way out", async () => {
    for (const words of [["stop", "fill"], ["rm", "fill"], ["down"]]) {
      const { status, err } = await home.constellation(...words);
      expect(err).toContain("no space left");
      expect(err).toContain("constellation daemon stop --instances");
      expect(status).toBe(6);
    }
  }, 60_000);
});
