import { spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { constants, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { findPortOwners, PortProcess } from "../../src/ports/index.ts";
import { canTakeDescriptors, withoutDescriptor } from "../without-descriptor.ts";
import { fixture, isRunning, newFolder, openPort, runShared } from "./running.ts";
import { fetchText } from "./talking.ts";

describe("a port process", () => {
  it("listens before any instance is there, so that nobody is refused", async () => {
    const port = await openPort();
    const early = fetchText(port.port);
    await runShared(port, ["node", fixture("http-server.cjs")]).line();
    expect(Number(await early)).toBeGreaterThan(1);
    expect(await port.stats()).toMatchObject({ sharing: "shared", queued: 0, pid: port.pid, port: port.port });
  });

  it.each(["::1", "::", "0.0.0.0"])("listens on %s", async (address) => {
    const port = await openPort({ address });
    await runShared(port, ["node", fixture("http-server.cjs")]).line();
    expect(Number(await fetchText(port.port, "/", address === "::1" ? "::1" : "127.0.0.1"))).toBeGreaterThan(1);
    if (address === "::") expect(Number(await fetchText(port.port, "/", "::1"))).toBeGreaterThan(1);
  });

  it("names the owner of a port that is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const taken = (server.address() as { port: number }).port;
    await expect(openPort({ port: taken })).rejects.toMatchObject({
      code: "port.in-use",
      message: expect.stringContaining(`public port ${taken}`),
      details: { ownerPid: process.pid },
    });
    for (const address of ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
      expect(findPortOwners({ address, port: taken })).toMatchObject([{ pid: process.pid }]);
    for (const address of ["127.0.0.2", "::1"]) {
      expect(findPortOwners({ address, port: taken })).toBe(null);
      await openPort({ address, port: taken });
    }
    server.close();
    await once(server, "close");
    expect(findPortOwners({ address: "127.0.0.1", port: taken })).toBe(null);
  });

  it("words what else can be wrong with an address", async () => {
    await expect(openPort({ address: "203.0.113.7" })).rejects.toMatchObject({ code: "spec.invalid" });
    await expect(openPort({ address: "example.org" })).rejects.toMatchObject({ code: "spec.invalid" });
    await expect(openPort({ folder: `/tmp/${"x".repeat(120)}` })).rejects.toMatchObject({ code: "spec.invalid" });
  });

  it("has its folder alone, until it is killed", async () => {
    const folder = newFolder();
    const port = await openPort({ folder });
    await expect(openPort({ folder })).rejects.toMatchObject({ code: "state.conflict" });
    process.kill(port.pid, "SIGKILL");
    await port.ended();
    const next = await openPort({ folder });
    expect(next.pid).not.toBe(port.pid);
  });

  it("starts nothing when it is cancelled", async () => {
    const folder = newFolder();
    await expect(
      PortProcess.start({ folder, address: "127.0.0.1", port: 0, sharing: "shared" }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: "call.cancelled" });
    expect(await PortProcess.adopt(folder)).toBeUndefined();
  });

  it("ends by SIGTERM and leaves no file", async () => {
    const folder = newFolder();
    const port = await openPort({ folder });
    const ended = port.ended();
    process.kill(port.pid, "SIGTERM");
    await ended;
    expect(readdirSync(folder)).toEqual([]);
    expect(await PortProcess.adopt(folder)).toBeUndefined();
    expect(await port.close()).toBe(0);
  });

  it("outlives kill -9 of who started it, serves on, and is adopted by the next", async () => {
    const folder = newFolder();
    const starter = spawn(process.execPath, [fixture("starter.mjs"), folder, fixture("http-server.cjs")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [announced] = (await once(starter.stdout, "data")) as [Buffer];
    const { port, instance } = JSON.parse(String(announced)) as { port: number; instance: number };
    starter.kill("SIGKILL");
    await once(starter, "exit");

    expect(await fetchText(port)).toBe(String(instance));
    const adopted = await openAgain(folder);
    expect(adopted).toMatchObject({ port, address: "127.0.0.1" });
    process.kill(instance, "SIGKILL"); // the app's only instance
    const waiting = fetchText(port);
    const next = runShared(adopted, ["node", fixture("http-server.cjs")]);
    expect(await waiting).toBe(String(next.pid));
    await adopted.close();
    await adopted.ended();
  });

  it("bounds the wait of a port without instances, and shares again when there are some", async () => {
    const port = await openPort({ holdMs: 200 });
    const waiting = fetchText(port.port);
    const failed = expect(waiting).rejects.toMatchObject({ code: "ECONNRESET" });
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ queued: 1 }));
    await port.setSharing("forwarded");
    await failed;
    await port.setSharing("shared");
    const program = runShared(port, ["python3", fixture("inherits.py")], { preload: false });
    await program.line();
    expect(await fetchText(port.port)).toBe(String(program.pid));
  });

  it("never takes a running program's non-blocking socket back", async () => {
    const port = await openPort();
    const program = runShared(port, ["node", fixture("http-server.cjs")]);
    await program.line();
    const flags = () => /flags:\s+0?(\d+)/.exec(readFileSync(`/proc/${program.pid}/fdinfo/3`, "utf8"))?.[1] ?? "";
    const nonblocking = () => (Number.parseInt(flags(), 8) & constants.O_NONBLOCK) !== 0;
    expect(nonblocking()).toBe(true);
    for (const sharing of ["shared", "forwarded", "shared"] as const) {
      await port.setSharing(sharing);
      expect(nonblocking()).toBe(true);
    }
    expect(await fetchText(port.port)).toBe(String(program.pid));
  });

  it("is not held back by those who watch it", async () => {
    const port = await openPort();
    const stop = new AbortController();
    setMaxListeners(40, stop.signal);
    const watching = Array.from({ length: 40 }, () =>
      port.ended({ signal: stop.signal }).catch((error: unknown) => error),
    );
    for (let i = 0; i < 40; i += 1) await port.stats();
    stop.abort();
    expect(await Promise.all(watching)).toEqual(
      Array.from({ length: 40 }, () => expect.objectContaining({ code: "call.cancelled" })),
    );
  });

  it.skipIf(!canTakeDescriptors)("is not taken for gone by who has no descriptor left to ask it", async () => {
    const port = await openPort();
    const lacks = { status: "rejected", reason: { details: { errno: "EMFILE" } } };
    expect(await withoutDescriptor(() => port.close())).toMatchObject(lacks);
    expect(await withoutDescriptor(() => PortProcess.adopt(port.folder))).toMatchObject(lacks);
    let hasEnded = false;
    let ended: Promise<unknown> = Promise.resolve();
    await withoutDescriptor(() => {
      ended = port.ended().then(() => (hasEnded = true));
      return Promise.resolve();
    });
    expect(hasEnded).toBe(false);
    await port.close();
    await ended;
    expect(await port.close()).toBe(0);
  });

  it("hands a program that takes sockets its own as descriptor 3", async () => {
    const port = await openPort();
    const program = runShared(port, ["python3", fixture("inherits.py")], { preload: false });
    expect(await program.line()).toBe(`ready 1 ${program.pid}`);
    expect(await fetchText(port.port)).toBe(String(program.pid));
  });
});

async function openAgain(folder: string): Promise<PortProcess> {
  const port = await PortProcess.adopt(folder);
  if (port === undefined) throw new Error(`no port process in ${folder}`);
  expect(isRunning(port.pid)).toBe(true);
  return port;
}
