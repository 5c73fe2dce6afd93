import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { launchBinary } from "../../src/binary.ts";
import {
  buildPlan,
  encodePlan,
  isSupervised,
  killInstance,
  LaunchError,
  readPidFile,
  Spawner,
  watchLife,
} from "../../src/launch/index.ts";
import { parseReply, REPLY_BYTES } from "../../src/launch/records/reply.ts";
import { host, outputOf, World, eventually } from "./world.ts";

describe("the spawner", () => {
  const world = World.use();

  test("starts many at once, each with its own outcome", async () => {
    const requests = Array.from({ length: 60 }, (_, index) =>
      world.request({ argv: index % 3 === 0 ? ["/missing"] : ["sh", "-c", `exit ${index}`] }),
    );
    const outcomes = await Promise.allSettled(
      requests.map((request) => world.spawner.launch(buildPlan(request, host))),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(
      requests.map((_, index) => (index % 3 === 0 ? "rejected" : "fulfilled")),
    );
    for (const [index, request] of requests.entries()) {
      const end = await watchLife(request.instanceDir);
      expect(end).toMatchObject({
        record: { ending: index % 3 === 0 ? { kind: "start-failed" } : { kind: "exited", exitCode: index } },
      });
    }
  });

  test("answers a plan that it refuses, and serves the next one", async () => {
    const { steps, name } = buildPlan(world.request({ argv: ["true"] }), host);
    const withoutEnd = { name, steps: steps.slice(0, -1) };
    await expect(world.spawner.launch(withoutEnd)).rejects.toMatchObject({ code: "PLAN_REFUSED", errnoCode: "EINVAL" });
    expect((await world.shell("exit 3")).record.ending).toEqual({ kind: "exited", exitCode: 3 });
  });

  test("what cannot even be asked for does not stand in the line", async () => {
    const spawner = new Spawner({ queueLimit: 1 });
    await spawner.start();
    const large = { PATH: "/usr/bin:/bin", LARGE: "v".repeat(2_000_000) };
    const launch = (env: Record<string, string>): Promise<unknown> =>
      spawner.launch(buildPlan(world.request({ argv: ["true"], env }), host));
    await expect(launch(large)).rejects.toThrow(/its plan is larger/u);
    const plan = buildPlan(world.request({ argv: ["true"] }), host);
    expect(await spawner.secondAnswer(77, plan, () => "gone")).toBe("gone");
    const unopened = (): never => {
      throw new Error("EMFILE");
    };
    await expect(spawner.secondAnswer(77, plan, unopened)).rejects.toThrow(/EMFILE/u);
    await launch({ PATH: "/usr/bin:/bin" });
    await spawner.close();
  });

  test("leaves no zombie and keeps small", async () => {
    for (let round = 0; round < 30; round++) await world.shell("true");
    const { pid } = world.spawner;
    // The last supervisor may be on its way out still.
    await expect.poll(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")).toBe("");
    const pss = Number(/^Pss:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
    expect(pss).toBeLessThan(200);
  });

  test("takes plans of many sizes", async () => {
    for (const kilobytes of [1, 63, 64, 65, 127]) {
      const value = "v".repeat(kilobytes * 1000);
      const { stdout } = await world.shell('printf %s "$BIG" | wc -c', { env: { PATH: "/usr/bin:/bin", BIG: value } });
      expect(stdout).toBe(`${value.length}\n`);
    }
  });
});

describe("spawners come and go", () => {
  const folders: string[] = [];
  const folder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), "spawner-")));
    return folders.at(-1) ?? "";
  };
  afterEach(() => {
    for (const each of folders.splice(0)) rmSync(each, { recursive: true });
  });

  test("closing one leaves its instances running, and they can be adopted by what is on disk", async () => {
    const world = new World();
    await world.spawner.start();
    const request = world.isolated({ argv: ["sh", "-c", "while :; do echo tick; sleep 0.02; done"] });
    const launched = await world.spawner.launch(buildPlan(request, host));
    await world.spawner.close();
    const before = outputOf(request).stdout.length;
    await eventually(() => outputOf(request).stdout.length).toBeGreaterThan(before);
    expect(isSupervised(request.instanceDir)).toBe(true);
    expect(readPidFile(request.instanceDir)?.supervisor).toEqual(launched.supervisor);
    const end = watchLife(request.instanceDir);
    killInstance(request.instanceDir);
    expect(await end).toMatchObject({ record: { killed: true } });
    await world.close();
  });

  test("a daemon killed in the middle of 20 launches loses none, and no line of their logs", async () => {
    const root = folder();
    const daemon = spawn(
      process.execPath,
      [fileURLToPath(new URL("fixtures/doomed-daemon.mjs", import.meta.url)), root, "20"],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [code, signal] = (await once(daemon, "exit")) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
    for (let index = 0; index < 20; index++) {
      const instanceDir = join(root, String(index));
      await eventually(() => existsSync(join(instanceDir, "pid"))).toBe(true);
      const end = await watchLife(instanceDir, { signal: AbortSignal.timeout(10_000) });
      expect(end).toMatchObject({ kind: "ended", record: { ending: { kind: "exited", exitCode: index + 1 } } });
      const lines = readFileSync(join(instanceDir, "log"), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[3]);
      expect(lines).toEqual(Array.from({ length: 50 }, (_, line) => String(line + 1)));
    }
  });

  test("the next spawner waits for the one before, which finishes what was asked for", async () => {
    const lockFile = join(folder(), "spawner.lock");
    const first = new Spawner({ lockFile });
    const second = new Spawner({ lockFile });
    await first.start();
    let served = false;
    const starting = second.start().then(() => (served = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(served).toBe(false);
    await first.close();
    await starting;
    await second.close();
  });

  test("a spawner that waits too long for the lock gives up and leaves nothing", async () => {
    const lockFile = join(folder(), "spawner.lock");
    const first = new Spawner({ lockFile });
    await first.start();
    const second = new Spawner({ lockFile, startTimeoutMs: 100 });
    await expect(second.start()).rejects.toThrow(/did not serve within 100 ms/u);
    await first.close();
  });

  test("launches that wait when the spawner dies are rejected, later ones too", async () => {
    const world = new World();
    await world.spawner.start();
    const pid = world.spawner.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    const launch = world.spawner.launch(buildPlan(world.request({ argv: ["true"] }), host));
    const expected = expect(launch).rejects.toMatchObject({ code: "LAUNCHER_GONE" });
    process.kill(pid, "SIGKILL");
    await expected;
    await expect(world.spawner.launch(buildPlan(world.request({ argv: ["true"] }), host))).rejects.toBeInstanceOf(
      LaunchError,
    );
    await world.close();
  });

  test("a launch is not waited for for ever where somebody stopped who was to answer", async () => {
    const world = new World();
    const spawner = new Spawner({ answerTimeoutMs: 200 });
    await spawner.start();
    const request = world.request({ argv: ["true"] });
    // As whoever gives it up does: then it can never begin.
    mkdirSync(join(request.instanceDir, "lock"));
    process.kill(spawner.pid ?? 0, "SIGSTOP");
    await expect(spawner.launch(buildPlan(request, host))).rejects.toThrow(/has not answered for 200 ms/u);
    // The next one is answered: it was told to go on.
    await spawner.launch(buildPlan(world.request({ argv: ["true"] }), host));
    await spawner.close();
    await world.close();
  });

  test("an overlong frame ends it with an answer instead of confusion", async () => {
    const child = spawn(launchBinary("launcher"), ["spawner"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const socket = child.stdio[3] as Socket;
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x7fffffff, 0);
    head.writeUInt32LE(9, 4);
    socket.write(head);
    await once(child, "close");
    const bytes = Buffer.concat(parts);
    const replies = Array.from({ length: bytes.length / REPLY_BYTES }, (_, index) =>
      parseReply(bytes.subarray(index * REPLY_BYTES, (index + 1) * REPLY_BYTES)),
    );
    expect(replies).toMatchObject([{ kind: "ready" }, { kind: "refused", launchId: 9 }]);
  });

  test("one plan can be launched without spawner", async () => {
    const world = new World();
    const request = world.request({ argv: ["sh", "-c", "echo direct; exit 5"] });
    writeFileSync(join(world.folder, "plan"), encodePlan(buildPlan(request, host)));
    const child = spawn(launchBinary("launcher"), ["launch", join(world.folder, "plan")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [answer] = (await once(child.stdout, "data")) as [Buffer];
    expect(parseReply(answer)).toMatchObject({ kind: "started" });
    expect(await watchLife(request.instanceDir)).toMatchObject({ record: { ending: { exitCode: 5 } } });
    await world.close();
  });
});
