import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callDaemon } from "../src/client/transport.ts";

let folder: string;
let server: Server;
const callers = new Set<Socket>();
const socketPath = (): string => join(folder, "daemon.sock");

/** A daemon that was stopped by a signal: the kernel takes calls for it, and nobody answers. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sdk-transport-"));
  server = createServer((socket) => {
    callers.add(socket);
    socket.on("error", () => undefined).on("close", () => callers.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(socketPath(), resolve));
});
afterEach(async () => {
  for (const socket of callers) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test("a call that only reads does not wait for ever for its answer", async () => {
  await expect(callDaemon(socketPath(), "instances", { answerTimeoutMs: 30 })).rejects.toMatchObject({
    code: "call.timeout",
    message: 'The daemon has not answered the call "instances" for 0.03 s',
  });
});

test("a change waits as long as the daemon takes, or until its caller gives up", async () => {
  const caller = new AbortController();
  const { signal } = caller;
  const call = callDaemon(socketPath(), "removeApp", { params: { app: "web" }, answerTimeoutMs: 30, signal });
  const first = await Promise.race([
    call.then(
      () => "answered",
      () => "failed",
    ),
    new Promise((resolve) => setTimeout(resolve, 200, "waits")),
  ]);
  expect(first).toBe("waits");
  caller.abort();
  await expect(call).rejects.toMatchObject({ code: "call.cancelled" });
});

test("what cannot be written as JSON is refused in words, before anything is sent", async () => {
  const itself: Record<string, unknown> = { name: "web" };
  itself["self"] = itself;
  for (const body of [{ apps: [itself] }, { apps: [{ instances: 10n }] }])
    await expect(callDaemon(socketPath(), "apply", { body })).rejects.toMatchObject({
      code: "spec.invalid",
      message: expect.stringContaining("cannot be written as JSON") as string,
    });
});

test("what JSON would change without a word is refused by name", async () => {
  const changed: [string, unknown][] = [
    ["instances is NaN", { instances: Number.NaN }],
    ["memory is Infinity", { resources: { memory: Infinity } }],
    ["port is a function", { port: () => 1 }],
    ["port is a symbol", { port: Symbol("port") }],
    ["env is a Map", { env: new Map([["A", "1"]]) }],
  ];
  for (const [why, spec] of changed)
    await expect(callDaemon(socketPath(), "apply", { body: { apps: [spec] } })).rejects.toMatchObject({
      code: "spec.invalid",
      message: `Cannot apply: what was given cannot be written as JSON (${why})`,
    });
});

test("a daemon that closes the connection has not gone for certain", async () => {
  server.removeAllListeners("connection");
  server.on("connection", (socket) => socket.destroy());
  await expect(callDaemon(socketPath(), "version")).rejects.toMatchObject({
    code: "daemon.unreachable",
    message: `The daemon on ${socketPath()} closed the connection unanswered`,
    remedy: expect.stringContaining("512") as string,
  });
});

test.each(["", undefined, 7])("a call for a name that is none (%s) is not sent", async (app) => {
  const params = { app } as { readonly app: string };
  await expect(callDaemon(socketPath(), "removeApp", { params })).rejects.toMatchObject({
    code: "usage.invalid",
    message: `The call "removeApp" got ${JSON.stringify(app)} as its app`,
  });
});
