import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Home } from "./home.ts";

/** Daemons that really lack something: what needs it is refused by name, and nothing is changed. */
describe.skipIf(process.getuid?.() !== 0)("a daemon that lacks", () => {
  let home: Home;
  beforeEach(() => {
    home = new Home();
  });
  afterEach(() => home.close(), 60_000);

  const sleeper = { name: "limited", command: ["sleep", "1000"] };
  const refused = async (words: RegExp): Promise<void> => {
    for (const command of ["plan", "up"]) {
      const { status, err } = await home.constellation(command);
      expect(err).toMatch(words);
      expect(err).toMatch(/Cannot apply limited/);
      expect(status).toBe(5);
    }
    expect(await home.ps()).toEqual({ apps: [], instances: [] });
  };

  test.skipIf(!existsSync("/sys/fs/cgroup/memory/tasks"))(
    "the memory controller",
    async () => {
      const scene = `exec unshare --mount sh -c 'umount /sys/fs/cgroup/memory && exec "$@"' sh "$@"`;
      expect(await home.staged(scene, "daemon", "start")).toMatchObject({ status: 0 });
      home.spec({ ...sleeper, resources: { memory: "64MB", pids: 5 } });
      await refused(/memory limit of 64 MB cannot be enforced here/);
      home.spec({ ...sleeper, resources: { memory: "64MB", pids: 5, bestEffort: true } });
      await home.ok("up");
      const { measures } = await home.inspect("limited.1");
      expect(measures).toContainEqual(expect.objectContaining({ name: "limit.memory", state: "missing" }));
      expect(measures).toContainEqual(expect.objectContaining({ name: "limit.pids", state: "on" }));
    },
    60_000,
  );

  test("loop devices", async () => {
    // The launcher needs the other devices.
    const scene = `exec unshare --mount sh -c 'mount -t tmpfs none /mnt && rm -f /mnt/x && mknod /mnt/loop-control c 1 3 && mount --bind /mnt/loop-control /dev/loop-control && exec "$@"' sh "$@"`;
    expect(await home.staged(scene, "daemon", "start")).toMatchObject({ status: 0 });
    home.spec({ ...sleeper, resources: { disk: "16MB" } });
    await refused(/disk limit of 16 MB cannot be enforced here/);
  }, 60_000);

  test("the right to give an instance a network of its own", async () => {
    // Everything but CAP_SYS_ADMIN and what goes with it.
    const scene = `exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$@"`;
    expect(await home.staged(scene, "daemon", "start")).toMatchObject({ status: 0 });
    home.spec({ ...sleeper, resources: { network: "1Mbit" }, isolation: { network: "private" } });
    await refused(/network-in limit of 1 Mbit\/s cannot be enforced here.*network-out/);
  }, 60_000);
});
