import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { apiVersion, apiVersionHeader } from "@constellation/contract";
import { Constellation, type ConstellationError, type Sample } from "../src/index.ts";
import { memoryClient, memoryHome, temporaryFolder } from "./memory-home.ts";

const web = { name: "web", command: ["sleep", "1"], instances: 2, port: 8080 };

async function failure(call: Promise<unknown>): Promise<ConstellationError> {
  return call.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error as ConstellationError,
  );
}

test("an app from creation to removal", async () => {
  const client = await memoryClient();
  expect(await client.create(web)).toEqual([{ app: "web", change: "created", revision: 1, differences: [] }]);
  expect(await client.waitHealthy("web", { timeout: "10s" })).toMatchObject([{ name: "web", ready: 2 }]);
  expect(await client.instances("web")).toHaveLength(2);
  await client.scale("web", 3);
  await vi.waitFor(async () => expect(await client.instances()).toHaveLength(3));
  expect((await client.app("web")).spec.instances).toBe(3);
  expect(await client.instance("web.3")).toMatchObject({ app: "web", index: 3 });
  expect(await client.plan("web.1")).toContain("exec");
  await client.restart("web");
  await client.stop("web");
  expect(await client.apps()).toMatchObject([{ status: "stopped" }]);
  await client.start("web");
  await client.remove("web");
  expect(await client.apps()).toEqual([]);
});

test("a dry run changes nothing", async () => {
  const client = await memoryClient();
  expect(await client.apply([web], { dryRun: true })).toMatchObject([{ change: "created" }]);
  expect(await client.apps()).toEqual([]);
});

test("relative folders and sources of mounts start from the given folder", async () => {
  const client = await memoryClient();
  const mounts = [
    { source: "./assets", target: "/assets" },
    { source: "/usr/share", target: "/share" },
  ];
  await client.apply([{ ...web, folder: "site", mounts }], { folder: "/srv/shop" });
  const { spec } = await client.app("web");
  expect(spec.folder).toBe("/srv/shop/site");
  expect(spec.mounts.map(({ source }) => source)).toEqual(["/srv/shop/assets", "/usr/share"]);
  await expect(client.apply([{ ...web, mounts: [{ source: "", target: "/a" }] }])).rejects.toMatchObject({
    code: "spec.invalid",
  });
  await expect(client.apply([{ ...web, mounts: [null as never] }])).rejects.toMatchObject({ code: "spec.invalid" });
});

test("samples come until the loop is left", async () => {
  const client = await memoryClient();
  await client.create(web);
  const samples: Sample[] = [];
  for await (const sample of client.monitor("web", { interval: "100ms" })) if (samples.push(sample) === 4) break;
  expect(samples.map(({ instance }) => instance)).toEqual(["web.1", "web.2", "web.1", "web.2"]);
});

test("logs and events end with their signal", async () => {
  const client = await memoryClient();
  await client.create(web);
  await client.waitHealthy("web");
  for await (const line of client.logs("web", { follow: true, signal: AbortSignal.timeout(200), tail: 1 }))
    expect(line.app).toBe("web");
  const types: string[] = [];
  for await (const event of client.events({ app: "web" })) types.push(event.type);
  expect(types).toContain("app.healthy");
});

test("errors of the daemon keep their code and remedy", async () => {
  const client = await memoryClient();
  expect(await failure(client.stop("nothing"))).toMatchObject({ code: "app.not-found", remedy: expect.any(String) });
  await client.create(web);
  expect(await failure(client.create(web))).toMatchObject({ code: "app.exists" });
  expect(await failure(client.apply({ ...web, instances: -1 }))).toMatchObject({ code: "spec.invalid" });
  expect(await failure(client.apply({ ...web, env: { A: "x".repeat(11_000_000) } }))).toMatchObject({
    code: "spec.too-large",
  });
});

test("an app that cannot start is unhealthy, with the reason", async () => {
  const client = await memoryClient();
  await client.create({ ...web, env: { FAIL: "no such program" } });
  const error = await failure(client.waitHealthy("web"));
  expect(error).toMatchObject({ code: "app.unhealthy", message: expect.stringContaining("no such program") });
});

test("waiting ends by its time and by its signal", async () => {
  vi.stubEnv("MEMORY_START_MS", "60000");
  const client = await memoryClient();
  vi.unstubAllEnvs();
  await client.create(web);
  expect(await failure(client.waitHealthy("web", { timeout: "50ms" }))).toMatchObject({ code: "call.timeout" });
  const signal = AbortSignal.timeout(50);
  expect(await failure(client.waitHealthy("web", { signal }))).toMatchObject({ code: "call.cancelled" });
  expect(await failure(client.version({ signal: AbortSignal.abort() }))).toMatchObject({ code: "call.cancelled" });
});

test("waiting takes any time, names that are given twice, and no name that nothing has", async () => {
  const client = await memoryClient();
  await client.create(web);
  // Timers of Node end at 24.8 days: a longer one is over at once, and one of more than 49.7 is an error of Node's own.
  for (const timeout of ["30d", "60d"]) expect(await client.waitHealthy(["web", "web"], { timeout })).toHaveLength(1);
  expect(await failure(client.waitHealthy(["web", "wbe"]))).toMatchObject({
    code: "app.not-found",
    message: "Cannot wait for wbe: there is no app of that name",
  });
});

test("without a daemon, and not to start one, it says so", async () => {
  const client = await new Constellation().init({ home: temporaryFolder(), start: false });
  const error = await failure(client.apps());
  expect(error).toMatchObject({ code: "daemon.unreachable", remedy: expect.stringContaining("daemon start") });
});

test("many clients that start at once share one daemon", async () => {
  const home = await memoryHome();
  const clients = await Promise.all(Array.from({ length: 5 }, () => new Constellation().init({ home })));
  const pids = await Promise.all(clients.map(async (client) => (await client.version()).pid));
  expect(new Set(pids).size).toBe(1);
});

test("a daemon that is about to end holds the next one up, and does not refuse it", async () => {
  const home = await memoryHome();
  mkdirSync(join(home, "run"));
  const leaving = spawn("sleep", ["1"]);
  writeFileSync(join(home, "run", "lock"), String(leaving.pid));
  const client = await new Constellation().init({ home });
  expect((await client.version()).pid).toBeGreaterThan(0);
  expect(leaving.exitCode).toBe(0);
});

test("a daemon that cannot start shows the end of its log", async () => {
  const home = await memoryHome();
  vi.stubEnv("MEMORY_FAIL", "disk full");
  const error = await failure(new Constellation().init({ home }));
  vi.unstubAllEnvs();
  expect(error).toMatchObject({ code: "daemon.start-failed" });
  expect(error.message).toContain("cannot open the state: disk full");
});

test("a log that leads elsewhere is not written to", async () => {
  const home = await memoryHome();
  const elsewhere = join(temporaryFolder(), "elsewhere");
  writeFileSync(elsewhere, "");
  symlinkSync(elsewhere, join(home, "daemon.log"));
  vi.stubEnv("MEMORY_FAIL", "disk full");
  const error = await failure(new Constellation().init({ home }));
  vi.unstubAllEnvs();
  expect(error).toMatchObject({ code: "daemon.start-failed" });
  expect(error.message).toContain(`Cannot write the daemon's log ${join(home, "daemon.log")}`);
  expect(readFileSync(elsewhere, "utf8")).toBe("");
});

test("a daemon that went away is started again by the next call, once for all that are made together", async () => {
  const client = await memoryClient();
  const calls = [
    async () => (await client.version()).pid,
    async () => void (await client.exec("web.1", ["true"]).catch(() => undefined)),
    async () => void (await client.create(web)),
  ];
  for (const call of calls) {
    await killDaemon(client);
    await call();
  }
  await killDaemon(client);
  const pids = await Promise.all(Array.from({ length: 50 }, async () => (await client.version()).pid));
  expect(new Set(pids).size).toBe(1);
  const stubborn = await new Constellation().init({ home: client.places.stateDirectory, start: false });
  await killDaemon(client);
  expect(await failure(stubborn.apps())).toMatchObject({ code: "daemon.unreachable" });
});

async function killDaemon(client: Constellation): Promise<void> {
  const { pid } = await client.version();
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
}

test("what is followed ends with an error when the daemon ends, told to or not", async () => {
  const client = await memoryClient();
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await client.apply(web);
    const follow = async (stream: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of stream);
    };
    const streams = [
      client.logs("web", { follow: true }),
      client.events({ follow: true }),
      client.monitor("web", { interval: "100ms" }),
    ].map((stream) => failure(follow(stream)));
    await vi.waitFor(async () => expect(await client.apps()).toMatchObject([{ status: "healthy" }]));
    process.kill((await client.version()).pid, signal);
    for (const stream of streams) expect(await stream).toMatchObject({ code: "daemon.unreachable" });
  }
});

test("a start that failed is tried again by the next call", async () => {
  const client = new Constellation();
  const home = await memoryHome();
  vi.stubEnv("CONSTELLATION_HOME", home);
  vi.stubEnv("MEMORY_FAIL", "disk full");
  const calls = [() => client.apply(web), () => client.exec("web.1", ["true"]), () => client.apps()];
  for (const call of calls) expect(await failure(call())).toMatchObject({ code: "daemon.start-failed" });
  vi.stubEnv("MEMORY_FAIL", undefined);
  expect(await client.apply(web)).toMatchObject([{ change: "created" }]);
  vi.unstubAllEnvs();
});

test("a caller that gives up takes nobody else's start along", async () => {
  const client = new Constellation();
  vi.stubEnv("CONSTELLATION_HOME", await memoryHome());
  const gone = new AbortController();
  const first = failure(client.apps({ signal: gone.signal }));
  const second = client.apps();
  gone.abort();
  expect(await first).toMatchObject({ code: "call.cancelled" });
  expect(await second).toEqual([]);
  const alone = new Constellation();
  const early = new AbortController();
  const given = failure(alone.apps({ signal: early.signal }));
  early.abort();
  expect(await given).toMatchObject({ code: "call.cancelled" });
  expect(await alone.apps()).toEqual([]);
  for await (const _ of alone.events({ follow: true, signal: AbortSignal.abort() })) expect.unreachable();
  vi.unstubAllEnvs();
});

test("an answer that breaks off is the daemon's absence, or the caller's own wish", async () => {
  const home = temporaryFolder();
  mkdirSync(join(home, "run"));
  const server = createServer((_, response) => {
    response.writeHead(200, { [apiVersionHeader]: String(apiVersion), "content-length": 1000 });
    response.write('{"apps":[');
    setTimeout(() => response.destroy(), 100);
  }).listen(join(home, "run", "daemon.sock"));
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const client = await new Constellation().init({ home });
  expect(await failure(client.apps())).toMatchObject({ code: "daemon.unreachable" });
  expect(await failure(client.plan("web.1"))).toMatchObject({ code: "daemon.unreachable" });
  expect(await failure(client.apps({ signal: AbortSignal.timeout(30) }))).toMatchObject({ code: "call.cancelled" });
});
