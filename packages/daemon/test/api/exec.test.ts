import { connect } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { decodeExecFrame, encodeExecFrame, type ExecFrame } from "@constellation/contract";
import { MemoryPlatform } from "./memory-platform.ts";
import { served } from "./served.ts";

async function execIn(socketPath: string, instance: string, argv: unknown) {
  const query = new URLSearchParams({ argv: typeof argv === "string" ? argv : JSON.stringify(argv) });
  const socket = new WebSocket(`ws://localhost/v1/instances/${instance}/exec?${query}`, {
    createConnection: () => connect(socketPath),
  });
  onTestFinished(() => socket.terminate());
  const frames: ExecFrame[] = [];
  socket.on("message", (data: Buffer) => frames.push(decodeExecFrame(data)));
  const closed = once(socket, "close");
  await once(socket, "open");
  const text = (type: "stdout" | "stderr") =>
    Buffer.concat(frames.flatMap((frame) => (frame.type === type ? [frame.bytes] : []))).toString();
  return { socket, frames, closed, text, send: (frame: ExecFrame) => socket.send(encodeExecFrame(frame)) };
}

async function platformWithWeb() {
  const api = await served();
  await api.platform.apply({ apps: [{ name: "web", command: ["x"] }] });
  return api;
}

test("output, input and the exit code travel", async () => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["sh", "-c", "cat; echo problem >&2; exit 7"]);
  exec.send({ type: "stdin", bytes: Buffer.from("hello\n") });
  exec.send({ type: "stdin-end" });
  await exec.closed;
  expect(exec.text("stdout")).toBe("hello\n");
  expect(exec.text("stderr")).toBe("problem\n");
  expect(exec.frames.at(-1)).toEqual({ type: "exit", code: 7, signal: null });
});

test("a megabyte comes back whole", async () => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["cat"]);
  for (let at = 0; at < 20; at += 1) exec.send({ type: "stdin", bytes: Buffer.alloc(50_000, 65 + at) });
  exec.send({ type: "stdin-end" });
  await exec.closed;
  expect(exec.text("stdout")).toBe(
    Array.from({ length: 20 }, (_, at) => String.fromCharCode(65 + at).repeat(50_000)).join(""),
  );
});

test("input that is taken piece by piece keeps its order, and ends when all of it was taken", async () => {
  const platform = new MemoryPlatform();
  const taken: string[] = [];
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  platform.exec = async () => ({
    // eslint-disable-next-line require-yield -- it says nothing
    output: (async function* () {
      await ended;
    })(),
    exit: ended.then(() => ({ code: 0, signal: null })),
    write: async (bytes) => {
      for (const byte of bytes) {
        await sleep(5);
        taken.push(String.fromCharCode(byte));
      }
    },
    endInput: () => {
      taken.push("end");
      end();
    },
    resize: () => undefined,
    signal: () => undefined,
    close: () => Promise.resolve(),
  });
  const { socketPath } = await served({}, platform);
  const exec = await execIn(socketPath, "web.1", ["x"]);
  exec.send({ type: "stdin", bytes: Buffer.from("ab") });
  exec.send({ type: "stdin", bytes: Buffer.from("cd") });
  exec.send({ type: "stdin-end" });
  await exec.closed;
  expect(taken).toEqual(["a", "b", "c", "d", "end"]);
});

test("a signal reaches the program", async () => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["sh", "-c", "echo up; exec sleep 60"]);
  await vi.waitFor(() => expect(exec.text("stdout")).toBe("up\n"));
  exec.send({ type: "signal", signal: 15 });
  await exec.closed;
  expect(exec.frames.at(-1)).toEqual({ type: "exit", code: null, signal: 15 });
});

test("a caller who leaves ends the program", async () => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["sh", "-c", "echo $$; exec sleep 60"]);
  await vi.waitFor(() => expect(exec.text("stdout")).toMatch(/^\d+\n$/));
  const pid = Number(exec.text("stdout"));
  exec.socket.terminate();
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"));
});

test.each([
  ["web.9", ["true"], "instance.not-found"],
  ["web", ["true"], "instance.not-found"],
  ["web.1", ["no-such-program"], "exec.failed"],
  ["web.1", "{", "request.invalid"],
  ["web.1", "[]", "request.invalid"],
])("exec in %s of %j is refused with %s", async (instance, argv, code) => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, instance, argv);
  await exec.closed;
  expect(exec.frames).toEqual([{ type: "error", error: expect.objectContaining({ code }) }]);
});

test("a frame that is none ends the connection and the program", async () => {
  const { socketPath } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["sleep", "60"]);
  exec.socket.send(Buffer.from([99]));
  const [code] = (await exec.closed) as [number];
  expect(code).toBe(1008);
});

test("an upgrade of another path is refused", async () => {
  const { socketPath } = await served();
  const socket = connect(socketPath);
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.write("GET /v1/apps HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await once(socket, "close");
  expect(answer).toContain("404");
});

test("closing the server ends programs", async () => {
  const { socketPath, server } = await platformWithWeb();
  const exec = await execIn(socketPath, "web.1", ["sleep", "60"]);
  await server.close(2000);
  await exec.closed;
});

test("an upgrade to nowhere is refused and let go, also by a caller that never closes its half", async () => {
  const { socketPath, server, faults } = await platformWithWeb();
  for (const target of ["//[", "/v1/nothing", "http://[::1", "*"]) {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString(), target).toMatch(/^HTTP\/1.1 404 /);
  }
  await server.close(100);
  expect(faults).toEqual([]);
});

test("a name that cannot be decoded is that of no instance", async () => {
  const { socketPath, faults } = await platformWithWeb();
  const exec = await execIn(socketPath, "%zz", ["true"]);
  await exec.closed;
  expect(exec.frames).toMatchObject([{ type: "error", error: { code: "instance.not-found" } }]);
  expect(faults).toEqual([]);
});
