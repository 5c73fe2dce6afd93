import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { release } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  buildPlan,
  isSupervised,
  killInstance,
  LaunchError,
  readExitRecord,
  readPidFile,
  signalInstance,
  watchLife,
} from "../../src/launch/index.ts";
import { leadsTo } from "../leads-to.ts";
import { eventually, host, isAlive, logLines, processesWith, World } from "./world.ts";

describe("a plain launch", () => {
  const world = World.use();

  test("reports how the program ended, and what it used", async () => {
    const { record, stdout, stderr } = await world.shell("echo out; echo err >&2; exit 7");
    expect(record.ending).toEqual({ kind: "exited", exitCode: 7 });
    expect(record.killed).toBe(false);
    expect(record.peakMemoryBytes).toBeGreaterThan(100_000);
    expect(record.ranMs).toBeGreaterThan(0);
    expect(record.endedAtMs).toBeGreaterThanOrEqual(record.startedAtMs ?? Number.POSITIVE_INFINITY);
    expect({ stdout, stderr }).toEqual({ stdout: "out\n", stderr: "err\n" });
  });

  test("tells a signal from an exit", async () => {
    const { record } = await world.shell("kill -15 $$");
    expect(record.ending).toEqual({ kind: "signaled", signal: 15, coreDumped: false });
  });

  test("gives the program exactly its declared environment", async () => {
    const env = { PATH: "/usr/bin:/bin", GREETING: "a b\n=c", EMPTY: "" };
    const { stdout } = await world.run(world.request({ argv: ["env", "-0"], env }));
    expect(stdout).toBe("PATH=/usr/bin:/bin\0GREETING=a b\n=c\0EMPTY=\0\n");
  });

  test("gives the program no other descriptor, terminal or signal setting", async () => {
    const { stdout } = await world.shell(
      "ls -l /proc/self/fd | wc -l; readlink /proc/self/fd/0; grep -E 'SigBlk|SigIgn' /proc/self/status; cut -d' ' -f7 /proc/self/stat; umask",
    );
    expect(stdout).toBe("5\n/dev/null\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n0022\n");
  });

  test("names the failing step, its errno and what to do", async () => {
    const request = world.request({ argv: ["/no/such/program"] });
    const launch = world.spawner.launch(buildPlan(request, host));
    const error = await launch.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LaunchError);
    expect(error).toMatchObject({ code: "STEP_FAILED", errnoCode: "ENOENT", step: { name: "EXEC" } });
    expect((error as LaunchError).message).toMatch(
      /^Cannot start web\.2: execute \/no\/such\/program \(1 variables\) failed: ENOENT \(.+\); check the command/u,
    );
    await eventually(() => readExitRecord(request.instanceDir)?.ending.kind).toBe("start-failed");
    expect(isSupervised(request.instanceDir)).toBe(false);
  });

  test("looks the program up along PATH and says when it may not be executed", async () => {
    const file = join(world.folder, "not-executable");
    writeFileSync(file, "#!/bin/sh\n");
    const request = world.request({ argv: ["not-executable"], env: { PATH: `/nowhere:${world.folder}:/usr/bin` } });
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toMatchObject({ errnoCode: "EACCES" });
  });

  test("a folder without instance is an error of the first step", async () => {
    const request = { ...world.request({ argv: ["true"] }), instanceDir: join(world.folder, "missing") };
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toThrow(
      /become the supervisor of .*missing failed: ENOENT/u,
    );
  });

  test("a second supervisor in the same folder is refused, the first goes on", async () => {
    const request = world.request({ argv: ["sleep", "60"] });
    await world.spawner.launch(buildPlan(request, host));
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toMatchObject({ errnoCode: "EAGAIN" });
    expect(isSupervised(request.instanceDir)).toBe(true);
    killInstance(request.instanceDir);
    const end = await watchLife(request.instanceDir);
    expect(end).toMatchObject({ kind: "ended", record: { killed: true, ending: { kind: "signaled", signal: 9 } } });
  });

  test("a folder named lock keeps a launch from ever beginning", async () => {
    const request = world.request({ argv: ["true"] });
    mkdirSync(join(request.instanceDir, "lock"));
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toMatchObject({
      errnoCode: "EISDIR",
      step: { name: "SUPERVISE" },
    });
    expect(readdirSync(request.instanceDir)).toEqual(["lock"]);
  });

  test("signals reach the main process without any pid", async () => {
    const request = world.request({
      argv: ["sh", "-c", "trap 'echo asked; exit 4' TERM; echo ready; while :; do sleep 0.05; done"],
    });
    await world.spawner.launch(buildPlan(request, host));
    await eventually(() => readFileSync(join(request.instanceDir, "log"), "utf8")).toContain("ready");
    expect(signalInstance(request.instanceDir, 15)).toBe("sent");
    const end = await watchLife(request.instanceDir);
    expect(end).toMatchObject({ record: { killed: false, ending: { kind: "exited", exitCode: 4 } } });
    expect(signalInstance(request.instanceDir, 15)).toBe("gone");
  });

  test("garbage on the control FIFO changes nothing", async () => {
    const request = world.request({ argv: ["sleep", "60"] });
    await world.spawner.launch(buildPlan(request, host));
    for (const noise of ["\n\n\n", "T\n", "T999\nT0\n", "A\n", "R\n", "X".repeat(3000), "\nT-9\n", "\0\0\xff\n"])
      writeFileSync(join(request.instanceDir, "control"), noise);
    expect(readPidFile(request.instanceDir)?.main).not.toBeNull();
    expect(isSupervised(request.instanceDir)).toBe(true);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  test("the pid file names the processes", async () => {
    const request = world.isolated({ argv: ["sleep", "60"] });
    const launched = await world.spawner.launch(buildPlan(request, host));
    const pids = readPidFile(request.instanceDir);
    expect(launched).toMatchObject({ ...pids });
    expect(readFileSync(`/proc/${pids?.main?.pid}/comm`, "utf8")).toBe("sleep\n");
    expect(readFileSync(`/proc/${pids?.init?.pid}/comm`, "utf8")).toBe("instance-init\n");
    for (const stamp of [pids?.supervisor, pids?.init, pids?.main])
      expect(stamp !== undefined && stamp !== null && isAlive(stamp.pid, stamp.startTicks)).toBe(true);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  /** How long a process may run before others of its processor have their turn, in ns; what newer kernels show. */
  const slice = (pid: number | null | "self"): number | null => {
    const path = `/proc/${pid}/sched`;
    if (!existsSync(path)) return null;
    const [, ns] = /^(?:se\.)?slice\s*:\s*(\d+)/m.exec(execFileSync("cat", [path], { encoding: "utf8" })) ?? [];
    return ns === undefined ? null : Number(ns);
  };
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const takesSlices = (major > 6 || (major === 6 && minor >= 12)) && slice("self") !== null;

  test.runIf(takesSlices)("daemon and supervisors take short turns, programs those of others", async () => {
    const request = world.isolated({ argv: ["sleep", "1000"] });
    const { supervisor, main } = await world.spawner.launch(buildPlan(request, host));
    expect([slice(process.pid), slice(supervisor.pid)]).toEqual([100_000, 100_000]);
    // As `cat`, which this process has started.
    expect(slice(main?.pid ?? 0)).toBe(slice("self"));
    expect(slice(main?.pid ?? 0)).toBeGreaterThan(100_000);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir, { signal: AbortSignal.timeout(20_000) });
  });

  test("a launch that takes too long is ended and says so", async () => {
    const fifo = world.request({ argv: ["true"] });
    const stuck = join(world.folder, "stuck.sock");
    const server = createServer((socket) => socket.on("error", () => {}).resume());
    await new Promise<void>((resolve) => server.listen(stuck, resolve));
    try {
      const plan = buildPlan({ ...fifo, sockets: [{ fd: 3, socketFile: stuck, request: "descriptor\n" }] }, host);
      await expect(world.spawner.launch(plan)).rejects.toMatchObject({
        errnoCode: "ETIMEDOUT",
        step: { name: "RECEIVE" },
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("an aborted wait says so", async () => {
    const request = world.request({ argv: ["sleep", "60"] });
    await expect(world.spawner.launch(buildPlan(request, host), { signal: AbortSignal.abort() })).rejects.toMatchObject(
      { code: "ABORTED" },
    );
  });
});

describe("the end of a tree", () => {
  const world = World.use();
  const orphans = (mark: string): string =>
    `trap 'exit 0' TERM; for i in 1 2 3; do setsid sh -c '(setsid sleep ${mark} &) ; exec setsid sleep ${mark}' & done; while :; do sleep 0.05; done`;

  test.each(["with a PID namespace", "without one"])(
    "%s: doubly forked and setsid children die with it",
    async (kind) => {
      const mark = kind === "without one" ? "77001.5" : "77002.5";
      const argv = ["sh", "-c", orphans(mark)];
      const request = kind === "without one" ? world.request({ argv }) : world.isolated({ argv });
      await world.spawner.launch(buildPlan(request, host));
      await eventually(() => processesWith(`sleep\0${mark}`).length).toBeGreaterThan(3);
      signalInstance(request.instanceDir, 15);
      expect(await watchLife(request.instanceDir)).toMatchObject({
        record: { ending: { kind: "exited", exitCode: 0 } },
      });
      expect(processesWith(`sleep\0${mark}`)).toEqual([]);
    },
  );

  test("without a PID namespace, killing means the whole tree", async () => {
    const request = world.request({
      argv: ["sh", "-c", "setsid sh -c 'setsid sleep 77003.5 & sleep 77003.5' & sleep 77003.5"],
    });
    await world.spawner.launch(buildPlan(request, host));
    await eventually(() => processesWith("sleep\x0077003.5").length).toBe(3);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
    expect(processesWith("77003.5")).toEqual([]);
  });

  test("a supervisor that is killed takes its instance with it, and the watcher learns that it is lost", async () => {
    const request = world.isolated({ argv: ["sh", "-c", "setsid sleep 77004.5 & sleep 77004.5"] });
    const { supervisor } = await world.spawner.launch(buildPlan(request, host));
    await eventually(() => processesWith("sleep\x0077004.5").length).toBe(2);
    const end = watchLife(request.instanceDir);
    process.kill(supervisor.pid, "SIGKILL");
    expect(await end).toEqual({ kind: "lost" });
    expect(await watchLife(request.instanceDir)).toEqual({ kind: "lost" });
    await eventually(() => processesWith("77004.5")).toEqual([]);
  });

  test("orphans are reaped while the instance runs", async () => {
    for (const run of [world.shell.bind(world), world.isolatedShell.bind(world)]) {
      const { stdout } = await run(
        "for i in 1 2 3 4 5; do (true &); done; sleep 0.2; ps -eo stat,ppid,comm | grep -c '^Z.* true$'",
      );
      expect(stdout).toBe("0\n");
    }
  });

  test("a supervisor that somebody stopped hears what it is told all the same", async () => {
    const request = world.request({ argv: ["sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done"] });
    const { supervisor } = await world.spawner.launch(buildPlan(request, host));
    await eventually(() => logLines(request)).toHaveLength(1);
    process.kill(supervisor.pid, "SIGSTOP");
    expect(signalInstance(request.instanceDir, 15)).toBe("sent");
    expect(await watchLife(request.instanceDir, { signal: AbortSignal.timeout(10_000) })).toMatchObject({
      record: { killed: false, ending: { kind: "exited", exitCode: 4 } },
    });
  });

  test("a life that cannot be watched for now keeps no descriptor", async () => {
    const folder = join(world.folder, "unwatched");
    // Opening a folder for writing fails as a lack of descriptors does: neither "gone" nor "there".
    mkdirSync(join(folder, "control"), { recursive: true });
    execFileSync("mkfifo", [join(folder, "life")]);
    await expect(watchLife(folder)).rejects.toMatchObject({ code: "EISDIR" });
    expect(readdirSync("/proc/self/fd").filter((fd) => leadsTo(fd, join(folder, "life")))).toEqual([]);
  });

  test("files of a run are private to the daemon", async () => {
    const request = world.request({ argv: ["true"] });
    await world.run(request);
    const mode = (name: string): number => statSync(join(request.instanceDir, name)).mode & 0o777;
    expect({ log: mode("log"), control: mode("control"), life: mode("life") }).toEqual({
      log: 0o640,
      control: 0o600,
      life: 0o600,
    });
  });
});
