import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listContainers, probeEngine, removeContainer, stopContainer, type EngineSocket } from "../../src/index.ts";
import { findProgram } from "../../src/capabilities/try-command.ts";

/** The static busybox is the whole image. */
const busybox = "/usr/bin/busybox";
const canRun =
  process.getuid?.() === 0 &&
  findProgram("podman") !== undefined &&
  findProgram("runc") !== undefined &&
  existsSync(busybox);

describe.runIf(canRun)("a real Podman", () => {
  const folder = join(tmpdir(), `host-podman-${process.pid}`);
  const socket: EngineSocket = { engine: "podman", path: join(folder, "podman.sock") };
  const cgroupParent = `host-podman-${process.pid}`;
  const store = ["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  const common = [...store, "--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "none"];
  const podman = (...words: string[]): string =>
    execFileSync("podman", [...common, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  let service: ChildProcess;

  beforeAll(async () => {
    mkdirSync(join(folder, "image/bin"), { recursive: true });
    copyFileSync(busybox, join(folder, "image/bin/busybox"));
    symlinkSync("busybox", join(folder, "image/bin/sleep"));
    execFileSync("tar", ["-C", join(folder, "image"), "-cf", join(folder, "image.tar"), "."]);
    podman("import", join(folder, "image.tar"), "host-test:1");
    service = spawn("podman", [...common, "system", "service", "--time=0", `unix://${socket.path}`], {
      stdio: "ignore",
    });
    for (let round = 0; round < 500 && (await probeEngine(socket)).kind === "silent"; round++) await sleep(20);
  }, 60_000);
  afterAll(async () => {
    podman("rm", "--all", "--force", "--time", "0");
    const ended = once(service, "exit");
    service.kill("SIGTERM");
    await ended;
    try {
      execFileSync("umount", [join(folder, "root")], { stdio: "ignore" });
    } catch {
      // Podman binds its root only with some storage drivers.
    }
    // Podman's own clean-up after a container's end may still be running.
    rmSync(folder, { recursive: true, maxRetries: 40, retryDelay: 50 });
    for (const directory of cgroupsNamed(cgroupParent)) {
      for (let round = 0; round < 100 && existsSync(directory); round++) {
        await rmdir(directory).catch(() => sleep(20));
      }
      expect(existsSync(directory)).toBe(false);
    }
  }, 60_000);

  function start(label: string): string {
    const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];
    return podman(
      "run",
      "-d",
      "--network",
      "none",
      ...limits,
      "--label",
      `run=${label}`,
      "host-test:1",
      "/bin/sleep",
      "600",
    );
  }

  test("its containers are listed by label, stopped and removed", async () => {
    expect(await probeEngine(socket)).toMatchObject({ kind: "answering" });
    const id = start("mine");
    const foreign = start("foreign");
    const [container, ...more] = await listContainers(socket, { run: "mine" });
    expect(more).toEqual([]);
    expect(container).toMatchObject({ id, state: "running", labels: { run: "mine" } });
    if (container === undefined) return;
    await stopContainer(container, 0);
    expect((await listContainers(socket, { run: "mine" }))[0]?.state).toBe("exited");
    await removeContainer(container);
    await removeContainer(container);
    await stopContainer(container, 0);
    expect(await listContainers(socket, { run: "mine" })).toEqual([]);
    expect((await listContainers(socket, { run: "foreign" })).map((each) => each.id)).toEqual([foreign]);
  }, 60_000);
});

function cgroupsNamed(name: string): string[] {
  const tops = readdirSync("/sys/fs/cgroup").map((each) => `/sys/fs/cgroup/${each}`);
  return ["/sys/fs/cgroup", ...tops].map((top) => `${top}/${name}`).filter((each) => existsSync(each));
}
