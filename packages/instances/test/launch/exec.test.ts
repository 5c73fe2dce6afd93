import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buildExecPlan,
  buildPlan,
  type ExecRequest,
  ExecSession,
  killInstance,
  type LaunchRequest,
  readPidFile,
  watchLife,
} from "../../src/launch/index.ts";
import { asRoot, eventually, host, outputOf, processesWith, World } from "./world.ts";

const users = {
  ...(asRoot ? { "an unprivileged user": { kind: "own", uid: 100_555, gid: 100_555, groups: [] } } : {}),
  "a user namespace": asRoot
    ? { kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: 100_556, outsideGid: 100_556 }
    : { kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: host.uid, outsideGid: host.gid },
} as const satisfies Record<string, LaunchRequest["user"]>;

describe.each(Object.entries(users))("a command inside an instance of %s", (_, user) => {
  const world = World.use();
  let request: LaunchRequest;
  beforeAll(async () => {
    request = world.isolated({ argv: ["sleep", "1000"], user });
    await world.spawner.launch(buildPlan(request, host));
  });
  afterAll(async () => {
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  const plan = (argv: readonly string[], over: Partial<ExecRequest> = {}) => {
    const pids = readPidFile(request.instanceDir);
    if (pids === null) throw new Error("the instance does not run");
    const { isolation, rlimits, cgroups, env } = request;
    return buildExecPlan(
      {
        name: "web.2",
        pids,
        argv,
        env,
        cwd: "/",
        isolation,
        user,
        ownNetwork: true,
        rlimits,
        cgroups,
        terminal: null,
        ...over,
      },
      host,
    );
  };
  const start = (argv: readonly string[], over: Partial<ExecRequest> = {}) => ExecSession.start(plan(argv, over));

  test("sees what the instance sees and may no more than it", async () => {
    const session = start([
      "sh",
      "-c",
      "ps -eo comm= > /tmp/names; sort /tmp/names | tr '\\n' ' '; hostname; id -u; grep -E 'CapEff|CapBnd|NoNew|Seccomp:' /proc/self/status; ls /; exit 3",
    ]);
    session.endInput();
    const output = await text(session.output);
    expect(output).toMatch(/^instance-init ps sh sleep \n?web-2\n/u);
    expect(output).toContain(user.kind === "own" ? `\n${user.uid}\n` : "\n1000\n");
    expect(output).toContain("CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
    expect(output).not.toContain("lost+found");
    expect(await session.ended).toEqual({ kind: "exited", exitCode: 3 });
  });

  test("keeps output and errors apart and passes any bytes", async () => {
    const session = start(["sh", "-c", "cat; echo problem >&2"]);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (__, index) => (index * 7919) % 256));
    const writing = session.write(bytes).then(() => session.endInput());
    const parts: Buffer[] = [];
    for await (const part of session.output) parts.push(part as Buffer);
    await writing;
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await text(session.errorOutput)).toBe("problem\n");
    expect(await session.ended).toEqual({ kind: "exited", exitCode: 0 });
  });

  test("with a terminal: a name, a size that changes, echo, control characters", async () => {
    const session = start(
      ["sh", "-c", "tty; stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done"],
      { terminal: { rows: 33, columns: 101 } },
    );
    let seen = "";
    session.output.on("data", (part: Buffer) => (seen += part.toString()));
    await eventually(() => seen).toContain("ready");
    expect(seen).toMatch(/^\/dev\/pts\/\d+\r\n33 101\r\nready\r\n$/u);
    session.resize({ rows: 44, columns: 120 });
    expect(await session.ended).toEqual({ kind: "exited", exitCode: 5 });
    expect(seen).toContain("44 120");

    const interrupted = start(["sh", "-c", "echo ready; sleep 100"], { terminal: { rows: 24, columns: 80 } });
    let ready = "";
    interrupted.output.on("data", (part: Buffer) => (ready += part.toString()));
    await eventually(() => ready).toContain("ready");
    await interrupted.write(Buffer.from("\x03"));
    expect(await interrupted.ended).toEqual({ kind: "signaled", signal: 2 });
  });

  test("ends with its session although nobody reads what it says, or it reads nothing of what it is told", async () => {
    const talking = start(["sh", "-c", "yes 88004"]);
    await talking.started;
    await eventually(() => talking.output.readableLength).toBeGreaterThan(0);
    // Until every buffer in between is full.
    await sleep(300);
    talking.close();
    await eventually(() => processesWith("88004")).toEqual([]);
    await talking.ended.catch(() => undefined);

    const deaf = start(["sleep", "88005"]);
    await deaf.started;
    void deaf.write(Buffer.alloc(1_000_000));
    await sleep(300);
    deaf.close();
    await eventually(() => processesWith("88005")).toEqual([]);
    await deaf.ended.catch(() => undefined);
  });

  test("is heard to its last byte by one who reads late", async () => {
    const session = start(["sh", "-c", "head -c 500000 /dev/zero | tr '\\0' x; echo end >&2"]);
    await session.started;
    await sleep(300);
    expect(await text(session.output)).toHaveLength(500_000);
    expect(await text(session.errorOutput)).toBe("end\n");
    expect(await session.ended).toEqual({ kind: "exited", exitCode: 0 });
  });

  test("ends with its session: by signal, by close, by abort", async () => {
    const signaled = start(["sleep", "88001"]);
    await signaled.started;
    signaled.signal(15);
    expect(await signaled.ended).toEqual({ kind: "signaled", signal: 15 });

    const closed = start(["sh", "-c", "sleep 88002 & sleep 88002"]);
    await closed.started;
    await eventually(() => processesWith("sleep\x0088002").length).toBe(2);
    closed.close();
    await eventually(() => processesWith("88002")).toEqual([]);

    const controller = new AbortController();
    const aborted = ExecSession.start(plan(["sleep", "88003"]), { signal: controller.signal });
    await aborted.started;
    controller.abort();
    await eventually(() => processesWith("88003")).toEqual([]);
  });

  test("failures name the step", async () => {
    await expect(start(["no-such-program"]).ended).rejects.toMatchObject({
      code: "STEP_FAILED",
      errnoCode: "ENOENT",
      step: { name: "EXEC" },
    });
    await expect(start(["true"], { cwd: "/missing" }).started).rejects.toThrow(/go to \/missing failed: ENOENT/u);
    const pids = readPidFile(request.instanceDir);
    const stranger = { ...pids, main: { pid: pids?.main?.pid ?? 0, startTicks: 1n } } as ExecRequest["pids"];
    await expect(start(["true"], { pids: stranger }).started).rejects.toMatchObject({
      errnoCode: "ESRCH",
      step: { name: "OPEN_PROCESS" },
    });
  });

  test("the instance's own processes are untouched by all this", () => {
    const pids = readPidFile(request.instanceDir);
    expect(readFileSync(`/proc/${pids?.main?.pid}/comm`, "utf8")).toBe("sleep\n");
    expect(readFileSync(`/proc/${pids?.init?.pid}/task/${pids?.init?.pid}/children`, "utf8").trim()).toBe(
      String(pids?.main?.pid),
    );
  });
});

describe("a daemon that the kernel spares for want of memory", () => {
  const standing = "/proc/self/oom_score_adj";
  const before = readFileSync(standing, "latin1");
  // Only the privileged can be spared; to be taken first is inherited just so.
  writeFileSync(standing, "300");
  afterAll(() => writeFileSync(standing, before));
  const world = World.use();
  const spared = { ...host, oomScoreAdjustment: -500 };

  test.each(["world", "isolated"] as const)(
    "has instances and commands in them that it does not (%s)",
    async (kind) => {
      const argv = ["sh", "-c", `cat ${standing}; sleep 1000`];
      const request = kind === "world" ? world.request({ argv }) : world.isolated({ argv });
      await world.spawner.launch(buildPlan(request, spared));
      await eventually(() => outputOf(request).stdout).toBe("0\n");
      const pids = readPidFile(request.instanceDir);
      if (pids === null) throw new Error("it does not run");
      expect(readFileSync(`/proc/${pids.supervisor.pid}/oom_score_adj`, "latin1")).toBe("300\n");
      const { isolation, user, env, rlimits, cgroups, network } = request;
      const ownNetwork = network.kind !== "host";
      const exec = { name: "web.2", pids, argv: ["cat", standing], env, cwd: "/", isolation, user, ownNetwork };
      const plan = buildExecPlan({ ...exec, rlimits, cgroups, terminal: null }, spared);
      expect(await text(ExecSession.start(plan).output)).toBe("0\n");
      killInstance(request.instanceDir);
      await watchLife(request.instanceDir);
    },
  );
});
