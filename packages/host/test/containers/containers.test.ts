import { createServer, type IncomingMessage, type Server } from "node:http";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  findEngineSockets,
  listContainers,
  probeEngine,
  removeContainer,
  stopContainer,
  type EngineSocket,
} from "../../src/index.ts";

interface FakeContainer {
  Id: string;
  Names: string[];
  Image: string;
  State: string;
  Labels: Record<string, string>;
}

/** An engine that keeps containers in memory and speaks the part of Docker's API that is used here. */
class InMemoryEngine {
  readonly containers = new Map<string, FakeContainer>();
  answer: ((request: IncomingMessage) => { status: number; body: string } | "silence") | undefined;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const { status, body } = this.#serve(request);
      if (status !== 0) response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(request: IncomingMessage): { status: number; body: string } {
    const custom = this.answer?.(request);
    if (custom !== undefined) return custom === "silence" ? { status: 0, body: "" } : custom;
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/version") return { status: 200, body: JSON.stringify({ Version: "1.2.3" }) };
    if (url.pathname === "/containers/json") {
      const { label } = JSON.parse(url.searchParams.get("filters") ?? "{}") as { label: string[] };
      const matches = [...this.containers.values()].filter((each) =>
        label.every((pair) => each.Labels[pair.split("=")[0] ?? ""] === pair.slice(pair.indexOf("=") + 1)),
      );
      return { status: 200, body: JSON.stringify(matches) };
    }
    const [, , id = "", action] = url.pathname.split("/");
    const container = this.containers.get(id);
    if (container === undefined) return { status: 404, body: JSON.stringify({ message: "no such container" }) };
    if (request.method === "DELETE") {
      this.containers.delete(id);
      return { status: 204, body: "" };
    }
    if (action !== "stop") return { status: 400, body: "" };
    const status = container.State === "running" ? 204 : 304;
    container.State = "exited";
    return { status, body: "" };
  }
}

let engine: InMemoryEngine;
let folder: string;
let socket: EngineSocket;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "host-engine-"));
  socket = { engine: "docker", path: join(folder, "docker.sock") };
  engine = new InMemoryEngine();
  await engine.listen(socket.path);
  for (const [id, run] of [
    ["a".repeat(64), "r1"],
    ["b".repeat(64), "r1"],
    ["c".repeat(64), "r2"],
  ] as const)
    engine.containers.set(id, {
      Id: id,
      Names: [`/web-${id[0]}`],
      Image: "nginx",
      State: "running",
      Labels: { run, empty: "" },
    });
});
afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

test("lists by label, stops and removes, twice without harm", async () => {
  const mine = await listContainers(socket, { run: "r1" });
  expect(mine.map((each) => each.names[0])).toEqual(["web-a", "web-b"]);
  const [first] = mine;
  if (first === undefined) throw new Error("nothing listed");
  await stopContainer(first, 1500);
  await stopContainer(first, 1500);
  expect((await listContainers(socket, { run: "r1" })).map((each) => each.state)).toEqual(["exited", "running"]);
  await removeContainer(first);
  await removeContainer(first);
  await stopContainer(first, 0);
  expect(await listContainers(socket, { run: "r1" })).toHaveLength(1);
  expect(engine.containers.size).toBe(2);
});

test("an engine that ignores the label filter cannot hand over foreign containers", async () => {
  engine.answer = (request) =>
    request.url?.startsWith("/containers/json") === true
      ? { status: 200, body: JSON.stringify([...engine.containers.values()]) }
      : "silence";
  expect(await listContainers(socket, { run: "r2" })).toHaveLength(1);
});

test.each([
  ["no JSON", "<html>"],
  ["no list", "{}"],
  ["no id", '[{"Id":"../../etc"}]'],
  ["null", "[null]"],
])("an answer with %s is a clear error", async (_, body) => {
  engine.answer = () => ({ status: 200, body });
  await expect(listContainers(socket, {})).rejects.toMatchObject({ code: "container-engine-failed" });
});

test("a refusal names the container and quotes the engine", async () => {
  const [container] = await listContainers(socket, { run: "r2" });
  if (container === undefined) throw new Error("nothing listed");
  engine.answer = () => ({ status: 500, body: "device busy" });
  await expect(removeContainer(container)).rejects.toThrow(/web-c.*500 device busy/);
});

test("an engine that does not answer is given up, an abort ends the call at once", async () => {
  engine.answer = () => "silence";
  await expect(listContainers(socket, {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "timed-out" });
  const controller = new AbortController();
  const asked = listContainers(socket, {}, { signal: controller.signal });
  const reason = new Error("stop");
  controller.abort(reason);
  await expect(asked).rejects.toBe(reason);
});

test("engines are probed, found by their sockets, and the chosen one comes first", async () => {
  expect(await probeEngine(socket)).toEqual({ kind: "answering", version: "1.2.3" });
  expect(await probeEngine({ engine: "docker", path: `${folder}/none.sock` })).toMatchObject({ kind: "silent" });
  expect(findEngineSockets({ DOCKER_HOST: `unix://${socket.path}`, HOME: folder })[0]).toEqual(socket);
  expect(findEngineSockets({ XDG_RUNTIME_DIR: folder, HOME: folder }).map((each) => each.path)).toContain(socket.path);
  expect(findEngineSockets({ DOCKER_HOST: "tcp://1.2.3.4:2375", HOME: folder }).map((each) => each.path)).not.toContain(
    socket.path,
  );
});

test("a path that cannot be looked at, such as in another user's runtime folder, hides no other engine", () => {
  symlinkSync("loop", join(folder, "loop"));
  const paths = findEngineSockets({
    DOCKER_HOST: `unix://${folder}/loop/docker.sock`,
    XDG_RUNTIME_DIR: folder,
    HOME: folder,
  }).map((each) => each.path);
  expect(paths).toContain(socket.path);
  expect(paths).not.toContain(`${folder}/loop/docker.sock`);
});
