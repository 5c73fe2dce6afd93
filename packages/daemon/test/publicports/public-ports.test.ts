import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AppSpec, parseApp } from "@constellation/contract";
import { MemoryStateStore } from "@constellation/engine";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Observations } from "../../src/agent/index.ts";
import { PublicPorts } from "../../src/publicports/index.ts";
import { Repository } from "../../src/state/index.ts";
import { freePort } from "../real/site.ts";

/** The public ports of a node whose state is in memory; the port processes are real. */
async function node() {
  const folder = mkdtempSync(join(tmpdir(), "cst-pp-"));
  const store = new MemoryStateStore();
  const repository = new Repository(store);
  const { mirror } = repository;
  await mirror.load(new AbortController().signal);
  const follow = new AbortController();
  void mirror.follow(follow.signal).catch(() => undefined);
  const reports: string[] = [];
  const apps: AppSpec[] = [];
  const ports = new PublicPorts({
    folder,
    mirror,
    observations: new Observations(),
    waiting: null,
    report: (text) => reports.push(text),
    recycle: () => undefined,
  });
  onTestFinished(async () => {
    const edit = repository.edit();
    for (const app of mirror.apps.keys()) edit.delete({ kind: "app", app });
    if (!edit.isEmpty) await repository.write(edit);
    await ports.reconcile();
    await ports.closed();
    await ports.detach();
    follow.abort();
    await store.close();
    for (const { publicPort } of apps.flatMap((app) => app.ports))
      await vi.waitFor(async () => expect(await isServed(publicPort)).toBe(false));
    rmSync(folder, { recursive: true, force: true });
    expect(reports).toEqual([]);
  });
  const write = async (spec: AppSpec): Promise<void> => {
    const { name: app, instances } = spec;
    apps.push(spec);
    const edit = repository.edit();
    edit.put({ kind: "revision", app, revision: 1 }, { spec, restarts: 0 });
    const at = { revision: 1, source: null, updatedAt: 0 };
    await repository.write(edit.put({ kind: "app", app }, { mode: "running", erase: false, instances, ...at }));
  };
  const remove = (app: string): Promise<void> => repository.write(repository.edit().delete({ kind: "app", app }));
  return { ports, write, remove, folder, reports };
}

const isServed = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

const spec = (port: number, name = "web"): AppSpec => parseApp({ name, command: ["true"], port });

test("only apps that have a port or want one are looked at", async () => {
  const { ports, write } = await node();
  const other = parseApp({ name: "other", command: ["true"] });
  expect(ports.concerns("other")).toBe(false);
  await write(other);
  expect(ports.concerns("other")).toBe(false);
  await write(spec(await freePort()));
  expect(ports.concerns("web")).toBe(true);
  expect(ports.concerns("web2")).toBe(false);
});

test.runIf(process.platform === "linux")("a port whose folder somebody deleted is opened anew", async () => {
  const { ports, write, folder, reports } = await node();
  const port = await freePort();
  (await ports.open([spec(port)]))();
  await write(spec(port));
  const control = join(folder, `web.${port}`, "control.sock");
  rmSync(folder, { recursive: true });
  expect(await isServed(port)).toBe(true);
  // The daemon looks every few seconds.
  const look = async (): Promise<void> => {
    await ports.reconcile();
    expect(existsSync(control)).toBe(true);
  };
  await vi.waitFor(look, { timeout: 5000, interval: 100 });
  expect(await isServed(port)).toBe(true);
  expect(reports.splice(0)[0]).toMatch(/is gone; it is started again$/);
  // And where that is seen first when it is given up.
  rmSync(folder, { recursive: true });
});

test("a port that somebody has is told of once, however often it is tried", async () => {
  const { ports, write, reports } = await node();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await write(spec(port));
  for (let look = 0; look < 3; look += 1) await ports.reconcile();
  expect(reports.splice(0)).toEqual([`the public port ${port} of web cannot be opened`]);
  server.close();
  await once(server, "close");
  await ports.reconcile();
  expect(await isServed(port)).toBe(true);
});

describe.runIf(process.platform === "linux")("a port that is to move to another address", () => {
  const moved = (port: number): AppSpec =>
    parseApp({ name: "web", command: ["true"], port: [{ name: "http", public: port, address: "127.0.0.2" }] });
  const kept = async () => {
    const { ports, write } = await node();
    const port = await freePort();
    const release = await ports.open([spec(port)]);
    await write(spec(port));
    release();
    const connection = connect(port, "127.0.0.1").on("error", () => undefined);
    await once(connection, "connect");
    onTestFinished(() => void connection.destroy());
    return { ports, port, connection };
  };

  test("stays where it is when somebody has it there, and so do those who are connected", async () => {
    const { ports, port, connection } = await kept();
    const rival = createServer().listen(port, "127.0.0.2");
    await once(rival, "listening");
    onTestFinished(() => void rival.close());
    await expect(ports.open([moved(port)])).rejects.toMatchObject({ code: "port.in-use" });
    expect(await isServed(port)).toBe(true);
    expect(connection.readable).toBe(true);
  });

  test("stays when something else refuses the change", async () => {
    const { ports, port, connection } = await kept();
    const impossible = sleep(100).then(() => Promise.reject(new Error("no such limit")));
    impossible.catch(() => undefined);
    await expect(ports.open([moved(port)], impossible)).rejects.toThrow("no such limit");
    expect(await isServed(port)).toBe(true);
    expect(connection.readable).toBe(true);
  });

  test("comes back when the change was not written down after all", async () => {
    const { ports, port } = await kept();
    const release = await ports.open([moved(port)]);
    await ports.reconcile();
    expect(await isServed(port)).toBe(false);
    release();
    await ports.reconcile();
    expect(await isServed(port)).toBe(true);
  });

  test("moves when nothing is in its way", async () => {
    const { ports, port } = await kept();
    (await ports.open([moved(port)]))();
    expect(await isServed(port)).toBe(false);
  });
});

describe.runIf(process.platform === "linux")("a port that is opened for a change", () => {
  test("is not taken away by a sweep before the change is written down", async () => {
    const { ports, write } = await node();
    const port = await freePort();
    const web = spec(port);
    const release = await ports.open([web]);
    expect(ports.concerns("web")).toBe(true);
    await ports.reconcile();
    expect(await isServed(port)).toBe(true);
    await write(web);
    release();
    await ports.reconcile();
    expect(await isServed(port)).toBe(true);
  });

  test("is closed again when what else was to be found out speaks against it, and that is what is told", async () => {
    const { ports } = await node();
    const free = await freePort();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    for (const port of [free, (taken.address() as AddressInfo).port]) {
      const impossible = sleep(20).then(() => Promise.reject(new Error("there is no such folder")));
      await expect(ports.open([spec(port)], impossible)).rejects.toThrow("there is no such folder");
      expect(ports.concerns("web")).toBe(false);
    }
    expect(await isServed(free)).toBe(false);
    taken.close();
  });

  test("is given up by the next sweep when the change came to nothing", async () => {
    const { ports } = await node();
    const port = await freePort();
    (await ports.open([spec(port)]))();
    await ports.reconcile();
    await ports.closed();
    expect(await isServed(port)).toBe(false);
  });
});

describe.runIf(process.platform === "linux")("a port that another app has had", () => {
  test("is given up for who wants it as soon as that app needs it no more", async () => {
    const { ports, write, remove } = await node();
    const port = await freePort();
    (await ports.open([spec(port, "old")]))();
    await write(spec(port, "old"));
    await ports.reconcile();
    await remove("old");
    (await ports.open([spec(port, "new")]))();
    await write(spec(port, "new"));
    expect(await isServed(port)).toBe(true);
  });

  test("is told by that app's name, and not by a process of ours, while its instances have it", async () => {
    const { ports, write } = await node();
    const port = await freePort();
    (await ports.open([spec(port, "old")]))();
    await write(spec(port, "old"));
    const refusal = {
      code: "port.in-use",
      message: expect.stringContaining("still belongs to instances of the app old"),
    };
    await expect(ports.open([spec(port, "new")])).rejects.toMatchObject(refusal);
    await expect(ports.check([spec(port, "new")])).rejects.toMatchObject(refusal);
  });

  test("holds up nobody else while those who are connected there finish", async () => {
    const { ports, write, remove, folder } = await node();
    const [port, other] = [await freePort(), await freePort()];
    (await ports.open([spec(port, "old")]))();
    await write(spec(port, "old"));
    await ports.reconcile();
    const connection = connect(port, "127.0.0.1").on("error", () => undefined);
    onTestFinished(() => void connection.destroy());
    await once(connection, "connect");
    connection.write("GET / HTTP/1.1\r\n\r\n");
    await sleep(100);
    await remove("old");
    await write(spec(other, "new"));
    await ports.reconcile();
    expect(await isServed(other)).toBe(true);
    expect(existsSync(join(folder, `old.${port}`))).toBe(true);
    await ports.closed();
    expect(existsSync(join(folder, `old.${port}`))).toBe(false);
  });
});
