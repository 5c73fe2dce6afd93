import { Agent } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { fixture, newFolder, openPort, runShared } from "./running.ts";
import { fetchByDoor, fetchText } from "./talking.ts";

const server = ["node", fixture("http-server.cjs")];

describe("a Node program that listens on its app's port", () => {
  it.each(["text", "number", "host", "backlog", "options", "event", "descriptor", "again", "thread"])(
    "serves it by the inherited socket, asked for as %s",
    async (way) => {
      const port = await openPort();
      const program = runShared(port, server, { env: { LISTEN_AS: way } });
      expect(await program.line()).toBe("ready");
      expect(await fetchText(port.port)).toBe(String(program.pid));
      expect(JSON.parse(await fetchText(port.port, "/address"))).toMatchObject({
        port: port.port,
        address: "127.0.0.1",
      });
    },
  );

  it.each(["http-server.mjs", "express.mjs", "fastify.mjs"])("works in %s", async (name) => {
    const port = await openPort();
    const program = runShared(port, ["node", fixture(name)]);
    expect(await program.line()).toBe("ready");
    expect(await fetchText(port.port)).toBe(String(program.pid));
  });

  it("works for a plain TCP server and for HTTP/2", async () => {
    const port = await openPort();
    const plain = runShared(port, server, { env: { LISTEN_AS: "net" } });
    await plain.line();
    const socket = connect(port.port, "127.0.0.1");
    expect(String(await socket.toArray())).toBe(String(plain.pid));
    await plain.stop();

    const http2 = runShared(port, server, { env: { LISTEN_AS: "https2" } });
    await http2.line();
    const session = connectHttp2(`http://127.0.0.1:${port.port}`);
    expect(String(await session.request({ ":path": "/" }).toArray())).toBe(String(http2.pid));
    const gone = new Promise((resolve) => session.once("close", resolve));
    expect(await http2.stop()).toBe("SIGTERM");
    await gone;
  });

  it.each(["round robin", "none"])("works with a cluster, scheduling %s", async (policy) => {
    const port = await openPort();
    const program = runShared(port, server, { env: { LISTEN_AS: "cluster", POLICY: policy } });
    expect([await program.line(), await program.line()]).toEqual(["ready", "ready"]);
    expect(Number(await fetchText(port.port))).not.toBe(program.pid);
    await program.stop();
  });

  it("leaves other ports alone", async () => {
    const port = await openPort();
    const program = runShared(port, server, { env: { LISTEN_AS: "other" } });
    const other = Number((await program.line()).split(" ")[1]);
    expect(other).not.toBe(port.port);
    expect(await fetchText(other)).toBe(String(program.pid));
  });

  it("says what to do when the socket is used up", async () => {
    const port = await openPort();
    const program = runShared(port, server, { env: { LISTEN_AS: "thrice" } });
    expect(await program.line()).toMatch(/^error EADDRINUSE .*socket: 'forward'/);
  });

  it("hides: nothing of it is in the environment that children inherit, and the spec's own options stay", async () => {
    const port = await openPort();
    const program = runShared(port, server, { env: { NODE_OPTIONS: "--no-deprecation" } });
    await program.line();
    const seen = JSON.parse(await fetchText(port.port, "/environment")) as Record<string, unknown>;
    expect(seen).toMatchObject({
      NODE_OPTIONS: "--no-deprecation",
      execArgv: [],
      LISTEN_PID: String(program.pid),
      LISTEN_FDS: "1",
    });
    expect(Object.keys(seen)).not.toContain("CONSTELLATION_LISTEN");
  });
});

describe("the door of an instance", () => {
  it.each(["text", "again", "options", "thread", "descriptor"])(
    "leads to this very process, whatever shares its port: %s",
    async (way) => {
      const port = await openPort();
      const [one, two] = [newFolder(), newFolder()];
      const programs = [one, two].map((doorFolder) => runShared(port, server, { env: { LISTEN_AS: way }, doorFolder }));
      for (const program of programs) expect(await program.line()).toBe("ready");
      for (const [at, doorFolder] of [one, two].entries())
        for (let i = 0; i < 10; i += 1) expect(await fetchByDoor(doorFolder)).toBe(String(programs[at]?.pid));
    },
  );

  it("leads to the workers of a cluster", async () => {
    const port = await openPort();
    const doorFolder = newFolder();
    const program = runShared(port, server, { env: { LISTEN_AS: "cluster" }, doorFolder });
    expect([await program.line(), await program.line()]).toEqual(["ready", "ready"]);
    const answered = new Set<string>();
    for (let i = 0; i < 10; i += 1) answered.add(await fetchByDoor(doorFolder));
    expect(answered.size).toBe(2);
    expect(answered).not.toContain(String(program.pid));
    await program.stop();
  });

  it.each(["express.mjs", "fastify.mjs"])("works in %s", async (name) => {
    const port = await openPort();
    const doorFolder = newFolder();
    const program = runShared(port, ["node", fixture(name)], { doorFolder });
    await program.line();
    expect(await fetchByDoor(doorFolder)).toBe(String(program.pid));
  });

  it("does not keep a program from ending", async () => {
    const port = await openPort();
    const doorFolder = newFolder();
    const program = runShared(port, server, { doorFolder });
    await program.line();
    await fetchByDoor(doorFolder);
    expect(await program.stop()).toBe("SIGTERM");
  });
});

describe("SIGTERM", () => {
  it("lets a request finish that is under way, and then ends the program by the same signal", async () => {
    const port = await openPort();
    const program = runShared(port, server);
    await program.line();
    const slow = fetchText(port.port, "/slow");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ended = program.stop();
    expect(await slow).toBe(String(program.pid));
    expect(await ended).toBe("SIGTERM");
  });

  it("lets a request be answered that comes while the program computes", async () => {
    const port = await openPort();
    const program = runShared(port, server);
    await program.line();
    const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
    const ask = (at: number, path?: string) => fetchText(port.port, path, "127.0.0.1", agents[at]);
    await Promise.all([ask(0), ask(1)]);
    const ended = program.stop();
    await sleep(100);
    const answers = [ask(0, "/block")];
    await sleep(100);
    answers.push(ask(1));
    expect(await Promise.all(answers)).toEqual([String(program.pid), String(program.pid)]);
    expect(await ended).toBe("SIGTERM");
    for (const agent of agents) agent.destroy();
  });

  it("belongs to a program that handles it", async () => {
    const port = await openPort();
    const program = runShared(port, server, { env: { LISTEN_AS: "handler" } });
    await program.line();
    expect(await program.stop()).toBe(7);
  });
});
