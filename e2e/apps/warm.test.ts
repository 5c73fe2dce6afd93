import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { NodeInfo } from "@constellation/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { killProcess } from "../chaos/processes.ts";
import { freePort } from "../packed/installed.ts";
import { Home } from "./home.ts";
import { leftOnMachine } from "./left-on-machine.ts";

const patience = { timeout: 60_000, interval: 100 };

/** Only a root daemon can finish later what was begun for an instance. */
describe.skipIf(process.getuid?.() !== 0)("scripts from Nodes that wait", () => {
  let home: Home;
  let port: number;
  beforeAll(async () => {
    home = new Home();
    port = await freePort();
    home.write(
      "web.ts",
      `import { createServer } from "node:http";
       createServer((request, response) => {
         if (request.url === "/crash") process.exit(9);
         response.end(process.env.GREETING + " from " + process.env.CONSTELLATION_INSTANCE);
       }).listen(process.env.PORT);`,
    );
    await home.ok("daemon", "start");
  });
  afterAll(() => home.close(), 60_000);

  const app = (greeting: string, warm?: boolean) => ({
    name: "web",
    script: "./web.ts",
    port,
    env: { GREETING: greeting },
    health: { http: "/" },
    restart: { backoff: { initial: "10ms" } },
    ...(warm === undefined ? {} : { warm }),
  });
  /** Nodes that are warm. Namespaces that wait lie there, too, with a log of another name. */
  const spares = (): string[] => {
    const folder = join(home.home, "run", "spares");
    const isWarm = (id: string): boolean => ["pid", "log"].every((name) => existsSync(join(folder, id, name)));
    return existsSync(folder) ? readdirSync(folder).filter(isWarm) : [];
  };
  /** Two wait when apps run: a burst larger than that may start otherwise. */
  const rested = (): Promise<void> => vi.waitFor(() => expect(spares().length).toBeGreaterThan(1), patience);
  const starts = async (): Promise<(string | null)[]> => {
    const { instances } = await home.ps();
    return await Promise.all(instances.map(async ({ name }) => (await home.inspect(name)).start));
  };
  const ask = async (path = "/"): Promise<string> => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();

  test("the first up, a restart after a crash, scaling and a new revision are warm", async () => {
    await vi.waitFor(() => expect(spares()).not.toEqual([]), patience);
    home.spec(app("hello"));
    await home.ok("up");
    expect(await starts()).toEqual(["warm"]);
    expect(await ask()).toBe("hello from web.1");

    await rested();
    await ask("/crash").catch(() => undefined);
    await vi.waitFor(async () => {
      const { restarts, state } = await home.instance("web.1");
      expect([restarts, state.status]).toEqual([1, "running"]);
    }, patience);
    expect(await starts()).toEqual(["warm"]);

    await rested();
    await home.ok("scale", "web=2");
    expect(await starts()).toEqual(["warm", "warm"]);

    await rested();
    home.spec(app("again"));
    await home.ok("up");
    await vi.waitFor(async () => expect(await ask()).toMatch(/^again from web\.\d$/), patience);
    expect(await starts()).toContain("warm");
  }, 150_000);

  test("a thread takes the app's port, as after a cold start", async () => {
    await rested();
    const own = await freePort();
    home.write(
      "thread.ts",
      `import { Worker } from "node:worker_threads";
       new Worker('require("http").createServer((q, r) => r.end("from a thread")).listen(process.env.PORT)', { eval: true });`,
    );
    home.spec(app("again"), { name: "thread", script: "./thread.ts", port: own, health: { http: "/" } });
    await home.ok("up");
    expect((await home.inspect("thread.1")).start).toBe("warm");
    await vi.waitFor(
      async () => expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe("from a thread"),
      patience,
    );
    await home.ok("rm", "thread");
    home.spec(app("again"));
  }, 90_000);

  test("a script that looks whether it is the program is, and so are the members of its cluster", async () => {
    await rested();
    const own = await freePort();
    home.write(
      "cluster.ts",
      `import cluster from "node:cluster";
       import { createServer } from "node:http";
       import { fileURLToPath } from "node:url";
       const serve = (): unknown => createServer((_, response) => response.end("from a member")).listen(process.env.PORT);
       if (process.argv[1] === fileURLToPath(import.meta.url)) void (cluster.isPrimary ? cluster.fork() : serve());`,
    );
    for (const warm of [true, false]) {
      home.spec(app("again"), { name: "cluster", script: "./cluster.ts", port: own, health: { http: "/" }, warm });
      await home.ok("up");
      expect((await home.inspect("cluster.1")).start === "warm").toBe(warm);
      expect(await (await fetch(`http://127.0.0.1:${own}/`)).text()).toBe("from a member");
      await home.ok("rm", "cluster");
    }
    home.spec(app("again"));
  }, 90_000);

  test("threads and children of other TypeScript sources run, and say the same after a cold start", async () => {
    await rested();
    home.write(
      "counted.ts",
      `import { fork } from "node:child_process";
       import { once } from "node:events";
       import { Worker } from "node:worker_threads";
       async function all(): Promise<void> {
         const thread = new Worker(new URL("./thread.ts", import.meta.url), { workerData: 20 });
         console.log("thread says", ...(await once(thread, "message"))[0]);
         const child = fork(new URL("./child.ts", import.meta.url), ["word"], { cwd: "/tmp", env: {} });
         console.log("child says", ...(await once(child, "message"))[0]);
         setInterval(() => undefined, 1000);
       }
       void all();`,
    );
    home.write(
      "thread.ts",
      `import { parentPort, workerData } from "node:worker_threads";
       const data: number = workerData;
       parentPort?.postMessage([data + 1, process.argv[1], import.meta.main, process.env.GREETING]);`,
    );
    home.write(
      "child.ts",
      `import { argv, env } from "node:process";
       process.send?.([...argv.slice(1), import.meta.main, env.GREETING ?? "none"] as const);`,
    );
    const said: unknown[] = [];
    for (const warm of [true, false]) {
      home.spec(app("again"), { name: "counted", script: "./counted.ts", env: { GREETING: "hi" }, warm });
      await home.ok("up");
      expect((await home.inspect("counted.1")).start === "warm").toBe(warm);
      await vi.waitFor(async () => expect(await home.ok("logs", "counted")).toContain("child says"), patience);
      said.push(
        (await home.ok("logs", "counted"))
          .split("\n")
          .map((line) => line.replace(/^.*?(?=thread says|child says)/, "")),
      );
      await home.ok("rm", "counted", "--data");
    }
    expect(said[0]).toEqual(said[1]);
    const [thread, child] = said[0] as string[];
    expect(thread).toBe(`thread says 21 ${home.folder}/thread.ts true hi`);
    expect(child).toBe(`child says ${home.folder}/child.ts word true none`);
    home.spec(app("again"));
  }, 90_000);

  test("doctor and inspect say so, and what waits is gone with the daemon, however that ends", async () => {
    const { features } = JSON.parse(await home.ok("doctor", "--json")) as NodeInfo;
    expect(features.find(({ name }) => name === "driver.worker")).toMatchObject({ state: "available" });
    expect(await home.ok("inspect", "web.1")).toMatch(/driver worker .*start warm|start (slot|cold)/);
    await rested();
    const before = await home.pids();
    const waiting = spares();
    expect(killProcess(home.daemon())).toBe(true);
    await home.ok("daemon", "start");
    expect(await home.pids()).toEqual(before);
    await vi.waitFor(() => expect(spares().filter((id) => waiting.includes(id))).toEqual([]), patience);
    expect(leftOnMachine(home.home).filter((line) => waiting.some((id) => line.includes(id)))).toEqual([]);
  }, 60_000);

  test("warm: false starts a process of its own", async () => {
    await rested();
    await home.ok("rm", "web");
    home.spec(app("cold", false));
    await home.ok("up");
    expect(await starts()).not.toContain("warm");
    expect(await ask()).toBe("cold from web.1");
  }, 60_000);
});
