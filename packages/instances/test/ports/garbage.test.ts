import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { launchBinary } from "../../src/binary.ts";
import { ask, controlSocket } from "../../src/ports/control.ts";
import { sanitized } from "./sanitized.ts";

let folder: string;
let port: ChildProcess;
let complaints = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "constellation-port-"));
  port = spawn(sanitized(folder) ?? launchBinary("port"), [folder, "127.0.0.1:0", "16", "forward", "100", "1000"]);
  port.stderr?.on("data", (text) => (complaints += String(text)));
  if (!port.stdout) throw new Error("no output");
  expect(String((await once(port.stdout, "data"))[0])).toMatch(/^ok /);
});

afterAll(async () => {
  port.kill("SIGTERM");
  await once(port, "exit");
  expect(port.exitCode).toBe(0);
  expect(readdirSync(folder)).not.toContain("control.sock");
  rmSync(folder, { recursive: true });
});

const word = fc.oneof(
  fc.constantFrom(
    "ping",
    "mode",
    "share",
    "forward",
    "backends",
    "drain",
    "stats",
    "descriptor",
    "127.0.0.1:1",
    "10.0.0.1:65536",
    "[::1]:80",
  ),
  fc.constantFrom(`[${"0001:".repeat(7)}0001]:9`, "0", "1", "-1", "18446744073709551616", "[", "]", ".", ":"),
  fc.string({ maxLength: 30 }).filter((text) => !/close|\n/.test(text)),
);
const line = fc.oneof(
  fc.array(word, { maxLength: 6 }).map((words) => `${words.join(" ")}\n`),
  fc.integer({ min: 1, max: 200 }).map((count) => `backends${" 127.0.0.1:1".repeat(count)}\n`),
  fc.integer({ min: 8000, max: 9000 }).map((length) => `${"x".repeat(length)}\n`),
);
const bytes = fc.oneof(
  fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join(""))),
  fc.uint8Array({ maxLength: 4000 }).map((data) => Buffer.from(data)),
);

describe("the control socket", () => {
  it("survives whatever is sent to it, in whatever pieces", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 5000 }), fc.boolean(), async (data, piece, polite) => {
        await send(data, piece, polite);
        expect(await ask({ folder, request: "ping", timeoutMs: 5000 })).toBe("constellation-port 1");
      }),
      { numRuns: 500 },
    );
    expect(complaints).toBe("");
  });

  it("answers one request after the other, however they are cut", async () => {
    const answers = await send(
      Buffer.from("ping\nmode share\nnonsense\nbackends 127.0.0.1:80 x\nmode forward\nping\n"),
      3,
      true,
    );
    expect(answers.split("\n")).toEqual([
      "ok constellation-port 1",
      "ok",
      "error unknown request",
      expect.stringMatching(/^error backends/),
      "ok",
      "ok constellation-port 1",
      "",
    ]);
  });

  it("serves on when all its seats are taken by those who say nothing", async () => {
    const silent = Array.from({ length: 64 }, () => connect(controlSocket(folder)).on("error", () => undefined));
    await vi.waitFor(
      async () => expect(await ask({ folder, request: "ping", timeoutMs: 1000 })).toBe("constellation-port 1"),
      { timeout: 10_000 },
    );
    for (const socket of silent) socket.destroy();
  });
});

function send(data: Buffer, piece: number, polite: boolean): Promise<string> {
  return new Promise((resolve) => {
    let answers = "";
    const socket = connect(controlSocket(folder));
    socket.on("error", () => undefined).once("close", () => resolve(answers));
    socket.on("data", (chunk) => (answers += String(chunk)));
    for (let at = 0; at < data.length; at += piece) socket.write(data.subarray(at, at + piece));
    if (polite) socket.end();
    else socket.once("connect", () => setImmediate(() => socket.destroy()));
  });
}
