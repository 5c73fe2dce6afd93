import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  fullIsolation,
  isSupervised,
  killInstance,
  readPidFile,
  type SlotAssignment,
  type SlotRequest,
  WarmSlot,
  watchLife,
} from "../../src/launch/index.ts";
import { asRoot, host, isAlive, World, eventually } from "./world.ts";

/** Processor time of a process, in hundredths of a second (proc(5), utime and stime); null when it has ended. */
function ticksOf(pid: number): number | null {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return state === "Z" || state === "X" ? null : Number(fields[10]) + Number(fields[11]);
  } catch {
    return null;
  }
}

const users = {
  "a user of its own": { kind: "own", uid: 100_654, gid: 100_654, groups: [] },
  "a user namespace": {
    kind: "namespace",
    insideUid: 100_654,
    insideGid: 100_654,
    outsideUid: 100_654,
    outsideGid: 100_654,
  },
} as const;

describe.skipIf(!asRoot).each(Object.entries(users))("a warm slot for %s", (_, user) => {
  const world = World.use();
  const slotRequest = (over: Partial<SlotRequest> = {}): SlotRequest => {
    const { instanceDir, log, ...rest } = world.isolated({ argv: ["-"] });
    return {
      name: "slot-1",
      instanceDir,
      log: log ?? { path: "", maxBytes: 0, rotatedFiles: 0, maxLineBytes: 0 },
      isolation: fullIsolation,
      memoryFolders: rest.memoryFolders,
      tmpBytes: rest.tmpBytes,
      sharedMemoryBytes: rest.sharedMemoryBytes,
      cgroups: [],
      network: { kind: "none" },
      startTimeoutMs: 5000,
      ...over,
    };
  };
  const assignment = (script: string, over: Partial<SlotAssignment> = {}): SlotAssignment => ({
    identity: { name: "web.7", hostname: "web-7" },
    instanceDir: "/instances/web.7",
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin", A: "1" },
    cwd: "/",
    binds: [],
    data: null,
    sockets: [],
    rlimits: {},
    user,
    ...over,
  });
  const entries = (path: string): string =>
    readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" ").slice(3).join(" "))
      .join("\n");

  test("waits, then runs its command as if it had been launched for it", async () => {
    const request = slotRequest();
    const slot = await WarmSlot.prepare(request, world.spawner, host);
    expect(readPidFile(request.instanceDir)?.startedAtMs).toBeNull();
    const app = mkdtempSync(join(world.folder, "app-"));
    const data = mkdtempSync(join(world.folder, "data-"));
    writeFileSync(join(app, "file"), "from the app", { mode: 0o644 });
    chmodSync(app, 0o777);
    chmodSync(data, 0o777);
    await slot.assign(
      assignment(
        "hostname; id -u; cat /srv/app/file; echo; touch /srv/app/x / /new 2>&1 | grep -c 'Read-only'; echo stored > /deep/er/data/out; grep -E 'CapEff|CapBnd|Seccomp:|NoNew' /proc/self/status; ulimit -n; ls -A /tmp; exit 6",
        {
          binds: [{ source: app, target: "/srv/app", writable: false }],
          data: { kind: "folder", source: data, target: "/deep/er/data" },
          rlimits: { openFiles: 99 },
        },
      ),
    );
    const end = await watchLife(request.instanceDir);
    expect(end).toMatchObject({ record: { ending: { kind: "exited", exitCode: 6 } } });
    expect(entries(request.log.path)).toBe(
      "web-7\n100654\nfrom the app\n3\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n99",
    );
    expect(readFileSync(join(data, "out"), "utf8")).toBe("stored\n");
  });

  test("moves to its instance's folder and log", async () => {
    const request = slotRequest();
    const slot = await WarmSlot.prepare(request, world.spawner, host);
    const instanceDir = join(world.folder, "moved");
    const logs = join(world.folder, "logs");
    mkdirSync(logs);
    slot.moveTo(instanceDir);
    const launched = await slot.assign(
      assignment("seq 1 3000; sleep 100", {
        log: { path: join(logs, "web.7"), maxBytes: 60_000, rotatedFiles: 5, maxLineBytes: 1000 },
      }),
    );
    assert(launched !== "gone");
    expect(existsSync(request.instanceDir)).toBe(false);
    await eventually(() => existsSync(join(logs, "web.7.1")) && entries(join(logs, "web.7")).endsWith("3000")).toBe(
      true,
    );
    const pids = readPidFile(instanceDir);
    expect(pids).not.toBeNull();
    expect(launched).toMatchObject({ ...pids });
    expect(isSupervised(instanceDir)).toBe(true);
    killInstance(instanceDir);
    expect(await watchLife(instanceDir)).toMatchObject({ record: { killed: true } });
    expect(statSync(join(instanceDir, "exit")).size).toBe(128);
  });

  test("a command that cannot start is an error with its step, and the slot is gone", async () => {
    const request = slotRequest();
    const slot = await WarmSlot.prepare(request, world.spawner, host);
    await expect(slot.assign(assignment("", { argv: ["/missing"] }))).rejects.toMatchObject({
      errnoCode: "ENOENT",
      step: { name: "EXEC" },
    });
    await expect(slot.assign(assignment("true"))).rejects.toThrow(/used already/u);
    const other = slotRequest();
    const second = await WarmSlot.prepare(other, world.spawner, host);
    const lost = { binds: [{ source: "/no/such/folder", target: "/x", writable: false }] };
    await expect(second.assign(assignment("true", lost))).rejects.toThrow(
      /take the mount at \/no\/such\/folder failed: ENOENT/u,
    );
    for (const folder of [request.instanceDir, other.instanceDir])
      expect(await watchLife(folder)).toMatchObject({ record: { ending: { kind: "start-failed" } } });
  });

  test("garbage as assignment ends the slot, not the machine", async () => {
    const request = slotRequest();
    await WarmSlot.prepare(request, world.spawner, host);
    writeFileSync(join(request.instanceDir, "assign"), "nonsense");
    writeFileSync(join(request.instanceDir, "control"), "A\n");
    expect(await watchLife(request.instanceDir)).toMatchObject({ record: { ending: { kind: "start-failed" } } });
  });

  test("leaves the processors to others when its daemon dies: it goes first only while somebody waits for it", async () => {
    const other = new World();
    await other.spawner.start();
    const supervisors: number[] = [];
    for (let slot = 0; slot < 3; slot += 1) {
      const request = slotRequest();
      await WarmSlot.prepare(request, other.spawner, host);
      supervisors.push(readPidFile(request.instanceDir)?.supervisor.pid ?? 0);
    }
    await other.spawner.close();
    let used = 0;
    await eventually(() => {
      const living = supervisors.flatMap((pid) => ticksOf(pid) ?? []);
      used = Math.max(used, ...living);
      return living.length;
    }).toBe(0);
    await other.close();
    expect(used).toBeLessThan(20);
  });

  test("counts as gone when its spawner was killed, as soon as that is known", async () => {
    const other = new World();
    await other.spawner.start();
    const request = slotRequest();
    const slot = await WarmSlot.prepare(request, other.spawner, host);
    const { pid } = readPidFile(request.instanceDir)?.supervisor ?? { pid: 0 };
    // It has not heard of it yet.
    process.kill(pid, "SIGSTOP");
    process.kill(other.spawner.pid ?? 0, "SIGKILL");
    await eventually(() => other.spawner.pid).toBeUndefined();
    expect(await slot.assign(assignment("true"))).toBe("gone");
    process.kill(pid, "SIGCONT");
    await eventually(() => isSupervised(request.instanceDir)).toBe(false);
    await other.close();
  });

  test("dies with the daemon that made it, and can be discarded", async () => {
    const other = new World();
    await other.spawner.start();
    const request = slotRequest();
    await WarmSlot.prepare(request, other.spawner, host);
    const pids = readPidFile(request.instanceDir);
    await other.spawner.close();
    await eventually(() =>
      [pids?.supervisor, pids?.init, pids?.main].some((stamp) => stamp && isAlive(stamp.pid, stamp.startTicks)),
    ).toBe(false);
    await other.close();

    const ended = slotRequest();
    const early = await WarmSlot.prepare(ended, world.spawner, host);
    writeFileSync(join(ended.instanceDir, "control"), "R\n");
    expect(early.waits).toBe(true);
    killInstance(ended.instanceDir);
    await watchLife(ended.instanceDir);
    expect(early.waits).toBe(false);
    expect(await early.assign(assignment("true"))).toBe("gone");

    const discarded = slotRequest();
    const slot = await WarmSlot.prepare(discarded, world.spawner, host);
    slot.discard();
    expect(await watchLife(discarded.instanceDir)).toMatchObject({ kind: "ended" });
  });
});
