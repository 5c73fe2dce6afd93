import { createServer, get } from "node:http";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { AppInput } from "@constellation/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Daemon } from "../../src/daemon.ts";
import { eventually } from "../daemon/harness.ts";
import { freePort, server, Site } from "./site.ts";

let site: Site;
let daemon: Daemon;
beforeEach(async () => {
  site = new Site();
  daemon = await site.start();
});
afterEach(async () => {
  await site.close(daemon);
});

const answer = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const call = get({ port, host: "127.0.0.1", agent: false, timeout: 2000 }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
    });
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.on("timeout", () => call.destroy(new Error("timeout")));
  });

const healthy = (name: string) =>
  eventually(
    () => daemon.platform.app(name),
    ({ status }) => status === "healthy",
    20_000,
  );

const runsOf = async (name: string) => (await daemon.platform.instances(name)).map(({ state }) => state);

/** Who answers within many calls. */
async function answers(port: number): Promise<string[]> {
  const seen = new Set<string>();
  for (let call = 0; call < 30; call += 1) seen.add(await answer(port));
  return [...seen].sort();
}

/** Each of these answers, and nobody else. One that gets less of a busy processor may be passed over by the kernel many times. */
async function expectAnswers(port: number, names: readonly string[]): Promise<void> {
  const seen = new Set<string>();
  const until = Date.now() + 20_000;
  for (let call = 0; call < 30 || (seen.size < names.length && Date.now() < until); call += 1) {
    const text = await answer(port);
    expect(names).toContain(text);
    seen.add(text);
  }
  expect([...seen].sort()).toEqual(names);
}

const portProcess = (port: number): number | undefined =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return command.includes(site.home) && command.includes(`127.0.0.1:${port}`);
      } catch {
        return false;
      }
    });

describe.runIf(process.platform === "linux")("the public port of an app", { timeout: 60_000 }, () => {
  test.each(["inherit", "forward"] as const)(
    "(%s) is served by all instances, through restarts and without a daemon",
    async (socket) => {
      const port = await freePort();
      await daemon.platform.apply({ apps: [server("web", port, socket)] });
      expect((await healthy("web")).urls).toEqual([`http://127.0.0.1:${port}`]);
      await expectAnswers(port, ["web.1", "web.2"]);
      const before = await daemon.platform.instances("web");
      await site.stop();
      await expectAnswers(port, ["web.1", "web.2"]);
      daemon = await site.start();
      await healthy("web");
      const pids = (list: typeof before) => list.map(({ state }) => (state.status === "running" ? state.pid : 0));
      expect(pids(await daemon.platform.instances("web"))).toEqual(pids(before));
      const failures: string[] = [];
      const restarted = daemon.platform.restartApp("web");
      const end = Date.now() + 4000;
      while (Date.now() < end) {
        const text = await answer(port);
        if (!/^web\.[123]$/.test(text)) failures.push(text);
      }
      await restarted;
      expect(failures).toEqual([]);
      await healthy("web");
      await daemon.platform.removeApp("web", { erase: true });
      await eventually(
        () => answer(port),
        (text) => text === "ECONNREFUSED",
      );
      await eventually(
        () => site.leftovers(),
        (left) => left.length === 0,
      );
    },
  );

  test.each(["inherit", "forward"] as const)(
    "(%s) refuses callers when all instances were ended with the daemon, and is back with the next one",
    async (socket) => {
      const port = await freePort();
      await daemon.platform.apply({ apps: [server("web", port, socket)] });
      await healthy("web");
      await daemon.platform.stopDaemon({ instances: true });
      expect(await answer(port)).toBe("ECONNREFUSED");
      // It says that it has closed a moment before it ends.
      await eventually(
        () => portProcess(port),
        (pid) => pid === undefined,
      );
      await site.stop();
      daemon = await site.start();
      await healthy("web");
      await expectAnswers(port, ["web.1", "web.2"]);
    },
  );

  test.each(["inherit", "forward"] as const)("(%s) refuses callers as soon as its app is stopped", async (socket) => {
    const port = await freePort();
    await daemon.platform.apply({ apps: [server("web", port, socket)] });
    await healthy("web");
    await daemon.platform.stopApp("web");
    await eventually(
      () => portProcess(port),
      (pid) => pid === undefined,
      2000,
    );
    expect(await answer(port)).toBe("ECONNREFUSED");
    await daemon.platform.startApp("web");
    await healthy("web");
    await expectAnswers(port, ["web.1", "web.2"]);
  });

  test.each(["inherit", "forward"] as const)("(%s) comes back when its process is killed", async (socket) => {
    const port = await freePort();
    await daemon.platform.apply({ apps: [server("web", port, socket)] });
    await healthy("web");
    const before = await runsOf("web");
    const pid = portProcess(port);
    expect(pid).toBeDefined();
    process.kill(pid ?? 0, "SIGKILL");
    await eventually(
      () => portProcess(port),
      (next) => next !== undefined && next !== pid,
      20_000,
    );
    await healthy("web");
    // Who may trace the instances takes the socket back from one of them: nobody is restarted, and the next start gets it.
    if (process.getuid?.() === 0) {
      expect(await runsOf("web")).toEqual(before);
      await daemon.platform.scaleApp("web", 3);
      const three = await eventually(
        () => answers(port),
        (seen) => seen.length === 3,
        20_000,
      );
      expect(three).toEqual(["web.1", "web.2", "web.3"]);
      await daemon.platform.scaleApp("web", 2);
    }
    expect(
      await eventually(
        () => answers(port),
        (seen) => seen.join() === "web.1,web.2",
        20_000,
      ),
    ).toEqual(["web.1", "web.2"]);
  });

  test.each(["inherit", "forward"] as const)(
    "(%s) comes back when its process and an instance were killed while no daemon ran",
    async (socket) => {
      const port = await freePort();
      await daemon.platform.apply({ apps: [server("web", port, socket)] });
      await healthy("web");
      const [first] = await daemon.platform.instances("web");
      await site.stop();
      process.kill(portProcess(port) ?? 0, "SIGKILL");
      if (first?.state.status === "running") process.kill(first.state.pid, "SIGKILL");
      daemon = await site.start();
      await healthy("web");
      expect(portProcess(port)).toBeDefined();
      expect(
        await eventually(
          () => answers(port),
          (seen) => seen.join() === "web.1,web.2",
          20_000,
        ),
      ).toEqual(["web.1", "web.2"]);
    },
  );

  test("on an address that is not the machine's is refused alike, asked for or tried", async () => {
    const [free, app] = [await freePort(), server("far", 1, "forward")];
    const apps = [{ ...app, port: { public: free, address: "192.0.2.1" } }];
    for (const dryRun of [true, false])
      await expect(daemon.platform.apply({ apps, dryRun })).rejects.toMatchObject({
        code: "spec.invalid",
        message: `Cannot open public port ${free} on 192.0.2.1: no network interface of this machine has that address`,
      });
    expect(site.leftovers()).toEqual([]);
  });

  test("in use by somebody else refuses the whole change and names who it is", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const free = await freePort();
    const apps = [server("first", free, "forward"), server("second", port, "inherit")];
    await expect(daemon.platform.apply({ apps })).rejects.toMatchObject({
      code: "port.in-use",
      message: expect.stringContaining(String(process.pid)),
    });
    await expect(daemon.platform.apply({ apps, dryRun: true })).rejects.toMatchObject({ code: "port.in-use" });
    other.close();
    expect(await daemon.platform.apps()).toEqual([]);
    expect(await answer(free)).toBe("ECONNREFUSED");
    expect(site.leftovers()).toEqual([]);
  });

  const both = async (apps: readonly AppInput[], refusal: object | null): Promise<void> => {
    for (const dryRun of [true, false]) {
      const applied = daemon.platform.apply({ apps: [...apps], dryRun });
      if (refusal === null) await applied;
      else await expect(applied).rejects.toMatchObject(refusal);
    }
  };

  test("is free where somebody else listens on another address", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const on = (address: string) => [{ ...server("beside", 1, "forward"), port: { public: port, address } }];
    await both(on("0.0.0.0"), { code: "port.in-use", message: expect.stringContaining(`process ${process.pid} (`) });
    await both(on("127.0.0.2"), null);
    other.close();
  });

  test("moves to an address that its own instances stand in the way of when they are stopped, as it is told", async () => {
    const port = await freePort();
    const on = (address: string) => [
      { ...server("own", 1, "inherit"), port: { public: port, address, socket: "inherit" as const } },
    ];
    await daemon.platform.apply({ apps: on("127.0.0.1") });
    await healthy("own");
    const pid = portProcess(port);
    await both(on("0.0.0.0"), {
      code: "port.in-use",
      message: `Cannot run own: its public port ${port} on 0.0.0.0 is in use by its own instance own.1`,
      remedy: "`constellation stop own` first, or choose another address or port.",
    });
    expect(portProcess(port)).toBe(pid);
    await expectAnswers(port, ["own.1", "own.2"]);
    await daemon.platform.stopApp("own");
    await eventually(
      () => portProcess(port),
      (left) => left === undefined,
    );
    await both(on("0.0.0.0"), null);
    await healthy("own");
    await expectAnswers(port, ["own.1", "own.2"]);
  });

  test("of a forwarder moves to another address while its app runs", async () => {
    const port = await freePort();
    const on = (address: string) => [
      { ...server("moving", 1, "forward"), port: { public: port, address, socket: "forward" as const } },
    ];
    await daemon.platform.apply({ apps: on("127.0.0.1") });
    await healthy("moving");
    await both(on("0.0.0.0"), null);
    await healthy("moving");
    expect(await answer(port)).toMatch(/^moving\.\d$/);
  });

  test("that a program of another app has taken names that app", async () => {
    const port = await freePort();
    const program = `require("node:http").createServer((q, r) => r.end("wild")).listen(${port}, "127.0.0.1")`;
    // A child of the main process, as under a shell.
    await daemon.platform.apply({ apps: [{ name: "wild", command: ["sh", "-c", `node -e '${program}'; true`] }] });
    await eventually(
      () => answer(port),
      (text) => text === "wild",
    );
    await both([server("tame", port, "forward")], {
      code: "port.in-use",
      message: `Cannot run tame: its public port ${port} on 127.0.0.1 is in use by the instance wild.1`,
      remedy: "`constellation stop wild` first, or choose another port.",
    });
  });
});
