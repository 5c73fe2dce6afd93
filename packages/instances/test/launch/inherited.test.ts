import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buildPlan,
  fullIsolation,
  killInstance,
  type LaunchRequest,
  printPlan,
  readPidFile,
  watchLife,
} from "../../src/launch/index.ts";
import { asRoot, eventually, host, World } from "./world.ts";

describe.skipIf(!existsSync("/usr/bin/python3"))("listening sockets", () => {
  const world = World.use();
  const socketFile = join(world.folder, "holder");
  let holder: ChildProcess;
  let ports: number[];
  beforeAll(async () => {
    const program = fileURLToPath(new URL("fixtures/hold-socket.py", import.meta.url));
    holder = spawn("python3", [program, socketFile, "20"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(holder.stdout ?? holder, "data")) as [Buffer];
    ports = line.toString().trim().split(" ").map(Number);
  });
  afterAll(() => void holder.kill("SIGKILL"));

  const sockets = (fds: readonly number[], request = "descriptor\n") => fds.map((fd) => ({ fd, socketFile, request }));
  // Says which port is behind each descriptor from 3 on, until one is missing; and whether LISTEN_PID is itself.
  const script = `import os, socket
for fd in range(3, 64):
  try: print(fd, socket.socket(fileno=os.dup(fd)).getsockname()[1])
  except OSError: pass
print(os.environ.get("LISTEN_FDS"), os.environ.get("LISTEN_PID") == str(os.getpid()))`;
  const listing = (over: Partial<LaunchRequest>): LaunchRequest =>
    world.request({ argv: ["python3", "-c", script], env: { PATH: "/usr/bin:/bin", LISTEN_FDS: "1" }, ...over });

  test.each([
    ["alone", noneElse()],
    ["isolated", { isolation: fullIsolation, network: { kind: "none" } } as const],
  ])("arrive under the descriptors that were asked for, %s", async (kind, over) => {
    const user = kind === "isolated" ? world.isolated({ argv: ["-"] }).user : ({ kind: "same" } as const);
    for (const fds of [
      [3],
      [3, 4, 5, 6, 7, 8, 9, 10],
      [12, 3, 7],
      Array.from({ length: 20 }, (_, index) => 3 + index),
    ]) {
      const { stdout, stderr } = await world.run(listing({ ...over, user, sockets: sockets(fds) }));
      const lines = stdout.trimEnd().split("\n");
      expect(stderr).toBe("");
      expect(lines.pop()).toBe("1 True");
      expect(lines.map((line) => Number(line.split(" ")[0])).sort((a, b) => a - b)).toEqual(
        [...fds].sort((a, b) => a - b),
      );
      for (const line of lines) expect(ports).toContain(Number(line.split(" ")[1]));
    }
  });

  test("who holds none, or does not answer, is named", async () => {
    const missing = {
      ...listing({}),
      sockets: [{ fd: 3, socketFile: join(world.folder, "nobody"), request: "descriptor\n" }],
    };
    await expect(world.spawner.launch(buildPlan(missing, host))).rejects.toThrow(
      /ask for a listening socket at .*nobody failed: ENOENT .*; whoever holds/u,
    );
    await expect(
      world.spawner.launch(buildPlan(listing({ sockets: sockets([3], "nonsense\n") }), host)),
    ).rejects.toMatchObject({ errnoCode: "ENOMSG" });
  });
});

function noneElse(): Partial<LaunchRequest> {
  return {};
}

describe.skipIf(!asRoot)("control groups", () => {
  const world = World.use();
  const controllers = ["memory", "cpu", "pids"]
    .map((name) => `/sys/fs/cgroup/${name}`)
    .filter((path) => existsSync(`${path}/tasks`));
  const unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(`${path}/cgroup.controllers`));
  const script = "cat /proc/self/cgroup; cut -d' ' -f1 /proc/1/stat; sleep 100";
  const emptied = async (path: string): Promise<void> => {
    await eventually(() => readFileSync(`${path}/cgroup.procs`, "utf8")).toBe("");
    rmdirSync(path);
  };

  test.skipIf(controllers.length === 0).each(["own", "namespace"])(
    "of version 1 are joined before anything else, as user kind %s",
    async (kind) => {
      const groups = controllers.map((path) => `${path}/constellation-launch-test-${process.pid}`);
      for (const group of groups) mkdirSync(group);
      writeFileSync(`${groups.at(-1)}/pids.max`, "20");
      try {
        const user =
          kind === "own"
            ? world.isolated({ argv: ["-"] }).user
            : ({
                kind: "namespace",
                insideUid: 1000,
                insideGid: 1000,
                outsideUid: 100_999,
                outsideGid: 100_999,
              } as const);
        const cgroups = groups.map((group) => ({ kind: "tasks", path: `${group}/tasks`, controllers: [] }) as const);
        const request = world.isolated({ argv: ["sh", "-c", script], user, cgroups });
        await world.spawner.launch(buildPlan(request, host));
        const pids = readPidFile(request.instanceDir);
        for (const group of groups) {
          const members = readFileSync(`${group}/cgroup.procs`, "utf8").trim().split("\n").map(Number);
          expect(members).toContain(pids?.main?.pid);
          expect(members).toContain(pids?.init?.pid);
          expect(members).not.toContain(pids?.supervisor.pid);
        }
        await eventually(() => readFileSync(request.log?.path ?? "", "utf8")).toMatch(/pids:\/\n/u); // its own group is its root
        killInstance(request.instanceDir);
        await watchLife(request.instanceDir);
      } finally {
        for (const group of groups) await emptied(group);
      }
    },
  );

  test.skipIf(unified === undefined)("of version 2: the instance is born in them", async () => {
    const group = `${unified}/constellation-launch-test-${process.pid}`;
    mkdirSync(group);
    try {
      const request = world.isolated({ argv: ["sh", "-c", script], cgroups: [{ kind: "directory", path: group }] });
      await world.spawner.launch(buildPlan(request, host));
      const pids = readPidFile(request.instanceDir);
      const members = readFileSync(`${group}/cgroup.procs`, "utf8").trim().split("\n").map(Number);
      expect(members).toContain(pids?.main?.pid);
      expect(members).toContain(pids?.init?.pid);
      expect(members).not.toContain(pids?.supervisor.pid);
      await eventually(() => readFileSync(request.log?.path ?? "", "utf8")).toMatch(/F 0::\/\n/u);
      killInstance(request.instanceDir);
      await watchLife(request.instanceDir);
    } finally {
      await emptied(group);
    }
  });

  test.skipIf(unified === undefined)("of version 2 kill as a whole without a PID namespace", async () => {
    const group = `${unified}/constellation-launch-kill-${process.pid}`;
    mkdirSync(group);
    try {
      const argv = [
        "sh",
        "-c",
        "for i in 1 2 3; do setsid sh -c 'setsid sleep 77010 & sleep 77010' & done; sleep 77010",
      ];
      const request = world.request({ argv, cgroups: [{ kind: "directory", path: group }] });
      const plan = buildPlan(request, host);
      expect(printPlan(plan)).toContain(`end everything through ${group}/cgroup.kill`);
      await world.spawner.launch(plan);
      const members = (): string[] => readFileSync(`${group}/cgroup.procs`, "utf8").trim().split("\n");
      await eventually(() => members().length).toBeGreaterThan(6);
      killInstance(request.instanceDir);
      await watchLife(request.instanceDir);
      expect(members()).toEqual([""]);
    } finally {
      await emptied(group);
    }
  });

  test.skipIf(controllers.length === 0)(
    "without a PID namespace they are how everything is found that must die",
    async () => {
      const group = `${controllers.at(-1)}/constellation-launch-sweep-${process.pid}`;
      mkdirSync(group);
      try {
        const request = world.request({
          argv: [
            "sh",
            "-c",
            "for i in 1 2 3 4 5; do setsid sh -c 'setsid sleep 77009 & sleep 77009' & done; sleep 77009",
          ],
          cgroups: [{ kind: "tasks", path: `${group}/tasks`, controllers: [] }],
        });
        await world.spawner.launch(buildPlan(request, host));
        await eventually(() => readFileSync(`${group}/cgroup.procs`, "utf8").trim().split("\n").length).toBeGreaterThan(
          10,
        );
        killInstance(request.instanceDir);
        await watchLife(request.instanceDir);
        expect(readFileSync(`${group}/cgroup.procs`, "utf8")).toBe("");
      } finally {
        await emptied(group);
      }
    },
  );

  test("a group that does not exist is an error with its path", async () => {
    const request = world.isolated({
      argv: ["true"],
      cgroups: [{ kind: "tasks", path: "/sys/fs/cgroup/memory/no-such-group/tasks", controllers: [] }],
    });
    await expect(world.spawner.launch(buildPlan(request, host))).rejects.toThrow(
      /open \/sys\/fs\/cgroup\/memory\/no-such-group\/tasks failed: ENOENT/u,
    );
  });
});
