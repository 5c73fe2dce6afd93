import { spawnSync } from "node:child_process";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { serveApi } from "../../src/api/index.ts";
import { MemoryPlatform } from "./memory-platform.ts";
import { served, temporaryFolder } from "./served.ts";

const report = (): void => undefined;

test("only its owner can open the socket", async () => {
  const { socketPath } = await served();
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  // Made as the daemon makes it: programs with users of their own pass through it to what is theirs, and may not look around.
  expect(statSync(join(socketPath, "..")).mode & 0o777).toBe(0o711);
});

test("a socket that answers is not taken over", async () => {
  const { socketPath, call } = await served();
  await expect(serveApi(new MemoryPlatform(), { socketPath, report })).rejects.toMatchObject({ code: "daemon.busy" });
  expect((await call("GET", "/v1/version")).status).toBe(200);
});

test("a socket that nobody answers is replaced", async () => {
  const socketPath = join(temporaryFolder(), "daemon.sock");
  // Killed before it can unlink its socket, as a daemon is by kill -9.
  const script = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script, socketPath]);
  expect(existsSync(socketPath)).toBe(true);
  const server = await serveApi(new MemoryPlatform(), { socketPath, report });
  await server.close(100);
  expect(existsSync(socketPath)).toBe(false);
});

test("a socket that somebody deletes is made anew, with its folder, and says so", async () => {
  const told: string[] = [];
  const { socketPath, call } = await served({ lookForSocketMs: 20, tell: (text) => void told.push(text) });
  for (const path of [socketPath, join(socketPath, "..")]) {
    rmSync(path, { recursive: true });
    await vi.waitFor(async () => expect((await call("GET", "/v1/version")).status).toBe(200));
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  }
  expect(told).toEqual([
    `${socketPath} was deleted; it is there again`,
    `${socketPath} was deleted; it is there again`,
  ]);
});

test("a socket that is let go is not made anew", async () => {
  const { socketPath, server } = await served({ lookForSocketMs: 20 });
  await server.close(100);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(existsSync(socketPath)).toBe(false);
});

test("a file that is no socket is left alone", async () => {
  const socketPath = join(temporaryFolder(), "daemon.sock");
  writeFileSync(socketPath, "mine");
  await expect(serveApi(new MemoryPlatform(), { socketPath, report })).rejects.toMatchObject({
    code: "daemon.start-failed",
  });
  expect(existsSync(socketPath)).toBe(true);
});

test("a path that is too long is refused by name", async () => {
  const socketPath = join(temporaryFolder(), "x".repeat(120));
  await expect(serveApi(new MemoryPlatform(), { socketPath, report })).rejects.toThrow(/has \d+ bytes/);
});

test("binary garbage gets an answer or a closed connection, and the next caller is served", async () => {
  const { socketPath, call, faults } = await served();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 4000 }), async (garbage) => {
      const socket = connect(socketPath);
      socket.on("error", () => undefined);
      socket.resume();
      socket.end(garbage);
      await once(socket, "close");
    }),
    { numRuns: 100 },
  );
  expect((await call("GET", "/v1/version")).status).toBe(200);
  expect(faults).toEqual([]);
});

test("a caller who never finishes its headers is let go", async () => {
  const { socketPath } = await served({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
  const socket = connect(socketPath);
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.write("GET /v1/version HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  await once(socket, "close");
  expect(answer).toContain("408");
});

test("connections beyond the bound are closed", async () => {
  const { socketPath } = await served({ maxConnections: 2 });
  const held = [connect(socketPath), connect(socketPath)];
  await Promise.all(held.map((socket) => once(socket, "connect")));
  const third = connect(socketPath);
  third.on("error", () => undefined);
  await once(third, "close");
  for (const socket of held) socket.destroy();
});

test("closing cuts a caller who holds its connection open", async () => {
  const { socketPath, server } = await served();
  const socket = connect(socketPath);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write("POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  const closed = once(socket, "close");
  await server.close(100);
  await closed;
});

test("a stranger's server on the path counts as somebody", async () => {
  const socketPath = join(temporaryFolder(), "daemon.sock");
  const stranger = createServer().listen(socketPath);
  await once(stranger, "listening");
  await expect(serveApi(new MemoryPlatform(), { socketPath, report })).rejects.toMatchObject({ code: "daemon.busy" });
  stranger.close();
});
