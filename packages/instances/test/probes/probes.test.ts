import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer as createHttp, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from "node:net";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { type PortBinding, type RunHandle, type RunLogLine } from "@constellation/instances";
import { ManualClock } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probeHttp } from "../../src/probes/http-probe.ts";
import { LogLineMatcher } from "../../src/probes/log-line-matcher.ts";
import { ProbeLoop } from "../../src/probes/probe-loop.ts";
import type { ProbeResult } from "../../src/probes/probe-result.ts";
import { probeTarget, type ProbeTarget } from "../../src/probes/probe-target.ts";
import { proberFor } from "../../src/probes/prober.ts";
import { probeTcp } from "../../src/probes/tcp-probe.ts";
import { leadsTo } from "../leads-to.ts";

const soon = (): AbortSignal => AbortSignal.timeout(200);

describe("http", () => {
  let server: Server;
  let target: ProbeTarget;
  const seen: { url: string | undefined; headers: NodeJS.Dict<string | string[]> }[] = [];
  beforeAll(async () => {
    server = createHttp((request, response) => {
      seen.push({ url: request.url, headers: request.headers });
      if (request.url === "/silent") return;
      if (request.url === "/endless") {
        response.writeHead(200);
        const timer = setInterval(() => response.write("x".repeat(65_536)), 1);
        response.on("close", () => clearInterval(timer));
        return;
      }
      if (request.url === "/moved") response.writeHead(302, { location: "/silent" });
      if (request.url === "/broken") response.writeHead(500);
      response.end("fine");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    target = { kind: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const get = (path: string, headers = {}) => probeHttp(target, { path, headers }, soon());

  test("200 to 399 is up; a redirect is not followed", async () => {
    expect(await get("/")).toEqual({ ok: true, detail: "status 200" });
    expect(await get("/moved")).toEqual({ ok: true, detail: "status 302" });
    expect(await get("/broken")).toEqual({ ok: false, detail: "status 500" });
  });

  test("headers are the spec's, the connection is not kept", async () => {
    await get("/h", { "x-probe": "1" });
    expect(seen.at(-1)).toMatchObject({ url: "/h", headers: { "x-probe": "1", connection: "close" } });
  });

  test("a server that does not answer, or never ends its answer, costs only the time limit", async () => {
    expect(await get("/silent")).toEqual({ ok: false, detail: "no answer in time" });
    expect(await get("/endless")).toEqual({ ok: true, detail: "status 200" });
  });

  test("nobody there, garbage instead of HTTP, and a header too large are failures in words", async () => {
    expect(await probeHttp({ kind: "tcp", host: "127.0.0.1", port: 1 }, { path: "/", headers: {} }, soon())).toEqual({
      ok: false,
      detail: "nothing listens there (ECONNREFUSED)",
    });
    for (const answer of ["garbage\r\n\r\n", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`]) {
      const rude: TcpServer = createTcp((socket) => socket.on("error", () => {}).end(answer));
      await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
      const there: ProbeTarget = { kind: "tcp", host: "127.0.0.1", port: (rude.address() as AddressInfo).port };
      expect(await probeHttp(there, { path: "/", headers: {} }, soon())).toMatchObject({ ok: false });
      rude.close();
    }
  });

  test("a server that turns to another protocol unasked has failed, and keeps no descriptor of ours", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cst-probe-"));
    const path = join(folder, "door.sock");
    const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";
    const turning = createTcp((socket) => socket.on("error", () => {}).once("data", () => socket.write(answer)));
    await new Promise<void>((resolve) => turning.listen(path, resolve));
    const facts = { address: null, doors: { http: path } };
    const port = { mode: "shared", name: "http", publicPort: 80, port: 80, address: "0.0.0.0", url: "" } as const;
    const check = { kind: "http", path: "/", port: null, headers: {} } as const;
    const prober = proberFor(check, { facts } as unknown as RunHandle, [{ ...port, socketFile: "/s" }]);
    for (let round = 0; round < 3; round += 1)
      expect(await prober.probe(soon())).toEqual({
        ok: false,
        detail: "the connection was closed without an answer",
      });
    expect(readdirSync("/proc/self/fd").filter((fd) => leadsTo(fd, path))).toEqual([]);
    prober.close();
    turning.close();
    rmSync(folder, { recursive: true });
  });

  test("the same over a Unix socket, and tcp over both", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cst-probe-"));
    const path = join(folder, "door.sock");
    const door = createHttp((_request, response) => response.end());
    await new Promise<void>((resolve) => door.listen(path, resolve));
    expect(await probeHttp({ kind: "unix", path }, { path: "/", headers: {} }, soon())).toMatchObject({ ok: true });
    expect(await probeTcp({ kind: "unix", path }, soon())).toEqual({ ok: true, detail: "connected" });
    expect(await probeTcp(target, soon())).toEqual({ ok: true, detail: "connected" });
    expect(await probeTcp({ kind: "tcp", host: "127.0.0.1", port: 1 }, soon())).toMatchObject({ ok: false });
    door.close();
    rmSync(folder, { recursive: true });
  });
});

describe("where a probe goes", () => {
  const port = (mode: "shared" | "forwarded" | "own", name: string, publicPort: number, inner: number): PortBinding => {
    const common = { name, publicPort, port: inner, address: "0.0.0.0", url: "" };
    return mode === "shared" ? { mode, ...common, socketFile: "/s" } : { mode, ...common };
  };
  const ports = [port("shared", "http", 80, 80), port("forwarded", "admin", 81, 20_001)];
  const facts = { address: "10.1.2.3", doors: { http: "/doors/http.sock" } };

  test.each([
    ["the first port by its door", null, { kind: "unix", path: "/doors/http.sock" }],
    ["a private port at the instance's address", "admin", { kind: "tcp", host: "10.1.2.3", port: 20_001 }],
    ["a number that is no port of the app", 9999, { kind: "tcp", host: "10.1.2.3", port: 9999 }],
    ["a name that is none", "nope", { kind: "none", detail: 'the app has no port named "nope"' }],
  ] as const)("%s", (_what, wanted, target) => {
    expect(probeTarget(wanted, ports, facts)).toEqual(target);
  });

  test("a shared port without a door is met in public; a closed network not at all", () => {
    expect(probeTarget(null, ports, { ...facts, doors: {} })).toEqual({ kind: "tcp", host: "127.0.0.1", port: 80 });
    expect(probeTarget("admin", ports, { ...facts, address: null })).toMatchObject({ kind: "none" });
    expect(probeTarget(null, [], facts)).toEqual({ kind: "none", detail: "the app has no port" });
  });
});

describe("log lines", () => {
  /** A handle that has nothing but these lines. */
  const speaking = (texts: readonly string[]): RunHandle =>
    ({
      async *logs(): AsyncIterable<RunLogLine> {
        for (const text of texts) yield { time: "", stream: "stdout", text };
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
    }) as unknown as RunHandle;
  const settled = async (matcher: LogLineMatcher, detail: RegExp): Promise<void> => {
    for (let wait = 0; !detail.test(matcher.result.detail) && wait < 500; wait += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
  };

  test("the first line that matches is enough", async () => {
    let news = 0;
    const lines = ["starting", "ready on 80", "ready on 81"];
    const matcher = new LogLineMatcher(speaking(lines), "ready on (\\d+)", () => (news += 1));
    await settled(matcher, /^the line/);
    expect(matcher.result).toEqual({ ok: true, detail: 'the line "ready on 80"' });
    expect(news).toBe(1);
    matcher.close();
  });

  test("a log that cannot be read for a moment is read as soon as it can", async () => {
    let reads = 0;
    const spoken = speaking(["ready on 80"]);
    const handle = {
      logs(): ReturnType<RunHandle["logs"]> {
        reads += 1;
        if (reads === 1) throw new Error("EMFILE: too many open files");
        return spoken.logs({ from: "beginning", signal: soon() });
      },
    } as unknown as RunHandle;
    const matcher = new LogLineMatcher(handle, "^ready");
    await settled(matcher, /EMFILE/);
    expect(matcher.result.ok).toBe(false);
    await settled(matcher, /^the line/);
    expect(matcher.result.ok).toBe(true);
    matcher.close();
  });

  test("a pattern that would take for ever is given up and says so", async () => {
    const matcher = new LogLineMatcher(speaking([`${"a".repeat(40)}b`]), "^(a+)+$");
    await settled(matcher, /given up/);
    expect(matcher.result.ok).toBe(false);
    expect(matcher.result.detail).toContain("was given up");
    matcher.close();
  });
});

describe("the rhythm", () => {
  const timing = { initialDelayMs: 500, periodMs: 1000, timeoutMs: 300, successThreshold: 1, failureThreshold: 2 };

  test("waits first, probes one at a time, calls a slow one failed, ends when closed", async () => {
    const clock = new ManualClock();
    const begun = clock.nowMs();
    const at: number[] = [];
    const said: string[] = [];
    let over: (result: ProbeResult) => void = () => undefined;
    const loop = new ProbeLoop({
      timing,
      clock,
      ranMs: 0,
      prober: {
        probe: () => {
          at.push(clock.nowMs() - begun);
          const isStuck = at.length === 2 || at.length > 3;
          return isStuck ? new Promise((resolve) => (over = resolve)) : Promise.resolve({ ok: true, detail: "fine" });
        },
        close: () => said.push("closed"),
      },
      onResult: ({ verdict }, { detail }) => said.push(`${verdict}: ${detail}`),
    });
    await clock.advance(4600);
    // What it answers now is nobody's answer any more; whoever waits for its end begins.
    over({ ok: true, detail: "late" });
    await clock.advance(3000);
    loop.close();
    over({ ok: true, detail: "later" });
    await clock.advance(4000);
    expect(at).toEqual([500, 1500, 4600, 5500]);
    expect(said).toEqual([
      "up: fine",
      "down: the probe before it has not ended",
      "up: fine",
      "down: the probe before it has not ended",
      "closed",
    ]);
    expect(clock.pending).toBe(0);
  });

  test("what is known without probing counts at once, and no sooner than the first probe may come", async () => {
    const clock = new ManualClock();
    const begun = clock.nowMs();
    const heard = { ok: false };
    const said: string[] = [];
    let tell = (): void => undefined;
    const loop = new ProbeLoop({
      timing: { ...timing, periodMs: 10_000 },
      clock,
      ranMs: 0,
      prober: {
        probe: () => Promise.resolve({ ok: heard.ok, detail: heard.ok ? "heard" : "nothing yet" }),
        listen: (news) => void (tell = news),
        close: () => {},
      },
      onResult: ({ verdict }) => said.push(`${verdict} after ${clock.nowMs() - begun}`),
    });
    tell();
    await clock.advance(400);
    expect(said).toEqual([]);
    await clock.advance(200);
    heard.ok = true;
    tell();
    await clock.advance(0);
    expect(said).toEqual(["unknown after 500", "up after 600"]);
    loop.close();
    tell();
    await clock.advance(20_000);
    expect(clock.pending).toBe(0);
  });

  test("a delay that changes before the first probe counts from the program's start all the same", async () => {
    const clock = new ManualClock();
    const begun = clock.nowMs();
    const at: number[] = [];
    const loop = new ProbeLoop({
      timing: { ...timing, initialDelayMs: 10_000 },
      clock,
      ranMs: 1000,
      prober: { probe: () => Promise.resolve({ ok: at.push(clock.nowMs() - begun) > 0, detail: "" }), close: () => {} },
      onResult: () => {},
    });
    await clock.advance(6000);
    loop.retime({ ...timing, initialDelayMs: 9000 });
    await clock.advance(2000);
    expect(at).toEqual([8000]);
    loop.close();
  });

  test("a program that runs for some time already is not waited for again", async () => {
    const clock = new ManualClock();
    let probes = 0;
    const loop = new ProbeLoop({
      timing,
      clock,
      ranMs: 10_000,
      prober: { probe: () => Promise.resolve({ ok: (probes += 1) > 0, detail: "" }), close: () => {} },
      onResult: () => {},
    });
    await clock.advance(0);
    expect(probes).toBe(1);
    loop.close();
  });
});
