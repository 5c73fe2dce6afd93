import { Agent } from "node:http";
import { dirname } from "node:path";
import type { PortBinding, ProcessDriver, ResolvedRun, RunHandle } from "@constellation/instances";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { allocatePrivatePort, type PortProcess } from "../../src/ports/index.ts";
import { requestFor } from "../driver/conformance.ts";
import { Playground } from "../process/playground.ts";
import { fixture, openPort } from "./running.ts";
import { fetchByDoor, fetchText } from "./talking.ts";

const { signal } = new AbortController();
const script: ResolvedRun = { kind: "script", file: fixture("http-server.cjs"), args: [] };
let playground: Playground;
let driver: ProcessDriver;

beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
});

afterAll(async () => {
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});

it("serves a shared port from isolated instances, each in namespaces of its own, through a rolling restart", async () => {
  const port = await openPort();
  const start = () => driver.start(requestFor(script, { env: playground.env, ports: [shared(port)] }), { signal });
  const old = [await start(), await start()];
  await vi.waitFor(async () => expect(await fetchText(port.port)).toBe("2")); // the program's pid as it sees itself
  const doors = old.map(({ facts }) => facts.doors["http"] ?? "");
  for (const door of doors) await vi.waitFor(async () => expect(await fetchByDoor(dirname(door))).toBe("2"));
  expect(new Set(doors).size).toBe(2);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const stopping = new AbortController();
  const asking = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!stopping.signal.aborted) expect(await fetchText(port.port, "/", "127.0.0.1", agent)).toBe("2");
    }),
  );
  const young: RunHandle[] = [];
  for (const instance of old) {
    young.push(await start());
    await end(instance);
  }
  stopping.abort();
  await asking;
  agent.destroy();
  for (const instance of young) await end(instance);
});

it("tells a program that takes sockets which are its own", async () => {
  const port = await openPort();
  const command: ResolvedRun = { kind: "command", argv: ["/usr/bin/python3", fixture("inherits.py")] };
  const request = requestFor(command, { env: playground.env, folder: fixture("."), ports: [shared(port)] });
  const instance = await driver.start(request, { signal });
  expect(await fetchText(port.port)).toBe("2");
  await end(instance);
});

it("forwards to an instance by its private port", async () => {
  const port = await openPort({ sharing: "forwarded" });
  const held = await allocatePrivatePort();
  const ports: PortBinding[] = [{ ...shared(port), mode: "forwarded", port: held.port }];
  const instance = await driver.start(requestFor(script, { env: playground.env, ports }), { signal });
  const address = instance.facts.address ?? "127.0.0.1";
  await port.setBackends([{ address, port: held.port }]);
  expect(await fetchText(port.port)).toBe("2");
  await end(instance);
  held.release();
});

const shared = (port: PortProcess): PortBinding & { mode: "shared" } => ({
  mode: "shared",
  name: "http",
  publicPort: port.port,
  port: port.port,
  address: port.address,
  url: `http://127.0.0.1:${port.port}`,
  socketFile: port.socketFile,
});

async function end(instance: RunHandle): Promise<void> {
  await instance.stop("SIGTERM", 5000);
  await driver.release(instance.facts.runId);
}
