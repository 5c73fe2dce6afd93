import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  buildPlan,
  createDiskImage,
  killInstance,
  type LaunchRequest,
  probeDiskQuota,
  readDataUsage,
  readPidFile,
  watchLife,
} from "../../src/launch/index.ts";
import { leadsTo } from "../leads-to.ts";
import { asRoot, host, World, eventually } from "./world.ts";

/** Files that loop devices hold open. */
function loopFiles(): string[] {
  return readdirSync("/sys/block").flatMap((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return existsSync(file) ? [readFileSync(file, "utf8").trim()] : [];
  });
}

describe("data folders with a size", () => {
  const world = World.use();
  const images = asRoot && probeDiskQuota("/", host).kinds.includes("image");
  const users = {
    own: { kind: "own", uid: 100_222, gid: 100_222, groups: [] },
    namespace: { kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: 100_222, outsideGid: 100_222 },
  } as const satisfies Record<string, LaunchRequest["user"]>;

  test.skipIf(!images).each(Object.entries(users))(
    "an image bounds what a %s user can store, keeps it, and lets go of its loop device",
    async (kind, user) => {
      const image = join(world.folder, `disk-${kind}`);
      await createDiskImage({ path: image, bytes: 32 << 20, uid: 100_222, gid: 100_222 });
      await createDiskImage({ path: image, bytes: 32 << 20, uid: 100_222, gid: 100_222 }); // there already
      expect(statSync(image).blocks * 512).toBeLessThan(4 << 20);
      const data = { kind: "image", image, target: "/data" } as const;

      const first = await world.isolatedShell(
        "echo kept > /data/file; head -c 100M /dev/zero > /data/big; stat -c %s /data/big; sleep 0.1",
        { user, data },
      );
      expect(first.stderr).toContain("No space left on device");
      expect(Number(first.stdout)).toBeGreaterThan(20 << 20);
      expect(Number(first.stdout)).toBeLessThan(32 << 20);
      await eventually(loopFiles).not.toContain(image);

      const second = await world.isolatedShell(
        "cat /data/file; rm /data/big; grep -c ' /data ext4 rw,nosuid,nodev' /proc/self/mounts",
        { user, data },
      );
      expect(second.stdout).toBe("kept\n1\n");
      await eventually(loopFiles).not.toContain(image);
    },
  );

  test("a disk larger than any file may be leaves neither a file nor a descriptor", async () => {
    const image = join(world.folder, "endless");
    await expect(createDiskImage({ path: image, bytes: 2 ** 60, uid: 0, gid: 0 })).rejects.toMatchObject({
      code: "ERR_OUT_OF_RANGE",
    });
    expect(readdirSync("/proc/self/fd").filter((fd) => leadsTo(fd, `${image}.new`))).toEqual([]);
    expect(existsSync(`${image}.new`)).toBe(false);
  });

  test.skipIf(!images)(
    "an image is never mounted twice: the next waits for the last user of the one before",
    async () => {
      const image = join(world.folder, "once");
      await createDiskImage({ path: image, bytes: 16 << 20, uid: 100_222, gid: 100_222 });
      const data = { kind: "image", image, target: "/data" } as const;
      const holder = world.isolated({ argv: ["sleep", "1000"], user: users.own, data });
      await world.spawner.launch(buildPlan(holder, host));
      const next = world.isolatedShell("sleep 1", { user: users.own, data });
      await eventually(() => existsSync(join(holder.instanceDir, "life"))).toBe(true);
      await sleep(300);
      expect(loopFiles().filter((file) => file === image)).toHaveLength(1);
      killInstance(holder.instanceDir);
      expect((await next).record.ending).toEqual({ kind: "exited", exitCode: 0 });
      await eventually(loopFiles).not.toContain(image);
    },
  );

  test.skipIf(!images)("how full it is can be read from outside, and many are mounted at once", async () => {
    const requests = await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const image = join(world.folder, `many-${index}`);
        await createDiskImage({ path: image, bytes: 16 << 20, uid: 100_222, gid: 100_222 });
        return world.isolated({
          argv: ["sh", "-c", "head -c 5M /dev/zero > /data/x; echo ready; sleep 100"],
          user: users.own,
          data: { kind: "image", image, target: "/data" },
        });
      }),
    );
    await Promise.all(requests.map((request) => world.spawner.launch(buildPlan(request, host))));
    for (const request of requests) {
      await eventually(() => readFileSync(request.log?.path ?? "", "utf8")).toContain("ready");
      const pids = readPidFile(request.instanceDir);
      if (pids === null || request.data === null) throw new Error("it does not run");
      const usage = readDataUsage(pids, request.data);
      expect(usage?.usedBytes).toBeGreaterThan(5 << 20);
      expect(usage?.totalBytes).toBeLessThanOrEqual(16 << 20);
      killInstance(request.instanceDir);
      await watchLife(request.instanceDir);
    }
    await eventually(() => loopFiles().filter((file) => file.startsWith(world.folder))).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(world.folder);
  });

  test("memory bounds it, too", async () => {
    const { stderr, stdout } = await world.isolatedShell("head -c 10M /dev/zero > /data/x; stat -c %s /data/x", {
      data: { kind: "memory", bytes: 1 << 20, target: "/data" },
    });
    expect(stderr).toContain("No space left on device");
    expect(stdout).toBe(`${1 << 20}\n`);
  });

  test("what is no image is refused by the kernel, with the step named", async () => {
    if (!images) return;
    const image = join(world.folder, "garbage");
    writeFileSync(image, Buffer.alloc(1 << 20, 7));
    const request = world.isolated({ argv: ["true"], data: { kind: "image", image, target: "/data" } });
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toThrow(
      /mount the ext4 image .*garbage failed: EINVAL/u,
    );
    await eventually(loopFiles).not.toContain(image);
  });

  test("an image that is too small is refused before anything is made", async () => {
    const path = join(world.folder, "tiny");
    await expect(createDiskImage({ path, bytes: 1 << 20, uid: 0, gid: 0 })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
    expect(existsSync(path)).toBe(false);
  });
});
