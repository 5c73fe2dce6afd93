import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { formatEndpoint } from "../../src/ports/index.ts";
import { descriptorsOf, openPort, pssKb } from "./running.ts";
import { type Backend, echo, exchange, listen, open } from "./talking.ts";

const backends: Backend[] = [];
afterEach(async () => {
  await Promise.all(backends.splice(0).map((backend) => backend.close()));
});

async function backend(...options: Parameters<typeof listen>): Promise<Backend> {
  const one = await listen(...options);
  backends.push(one);
  return one;
}

const forwarder = (options: Parameters<typeof openPort>[0] = {}) =>
  openPort({ sharing: "forwarded", holdMs: 5000, ...options });

describe("forwarding", () => {
  it("carries every byte both ways, whatever the sizes, and both ends of the stream", async () => {
    const port = await forwarder();
    await port.setBackends([await backend(echo)]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(20_000), fc.constantFrom(4095, 4096, 4097, 65_536, 3_000_000)), async (size) => {
        const data = randomBytes(size);
        expect((await exchange(port.port, data)).equals(data)).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(await port.stats()).toMatchObject({ active: 0, pipes: 0, aborted: 0, connectFailures: 0 });
  });

  it("carries IPv6 to IPv4 and back", async () => {
    const port = await forwarder({ address: "::1" });
    const four = await backend(echo);
    const six = await backend(echo, 0, "::1");
    await port.setBackends([four, six]);
    for (const wanted of [four, six]) {
      await port.setBackends([wanted]);
      const socket = await open(port.port, "::1");
      socket.end("hello");
      expect(String(Buffer.concat(await socket.toArray()))).toBe("hello");
      expect((await port.stats()).backends).toEqual([
        expect.objectContaining({ address: wanted.address, port: wanted.port, total: 1 }),
      ]);
    }
  });

  it("keeps one half open after the other has ended", async () => {
    const port = await forwarder();
    let answer = () => undefined as void;
    await port.setBackends([
      await backend((socket) => {
        socket.resume().once("end", () => (answer = () => void socket.end("late answer")));
      }),
    ]);
    const socket = await open(port.port);
    socket.end("question");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(socket.readyState).toBe("readOnly");
    answer();
    expect(String(Buffer.concat(await socket.toArray()))).toBe("late answer");
  });

  it("passes a reset on as a reset, so that nobody takes half an answer for a whole one", async () => {
    const port = await forwarder();
    const server = await backend(
      (socket) => void socket.write("half", () => setTimeout(() => socket.resetAndDestroy(), 50)),
    );
    await port.setBackends([server]);
    const socket = await open(port.port);
    const failed = once(socket, "error");
    socket.resume();
    expect(await failed).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
    expect(await port.stats()).toMatchObject({ aborted: 1, active: 0 });
  });

  it("holds a fast writer back behind a slow reader, in bounded memory, and loses nothing", async () => {
    const port = await forwarder();
    let received = 0;
    const server = await backend((socket) => void socket.pause());
    await port.setBackends([server]);
    const socket = await open(port.port);
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024);
    for (let sent = 0; sent < total; sent += chunk.length) socket.write(chunk);
    socket.end();
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ pipes: 1 }));
    const before = await settled(async () => (await port.stats()).bytesIn);
    expect(before).toBeLessThan(total / 2);
    for (const peer of server.sockets)
      peer
        .resume()
        .on("data", (data) => (received += data.length))
        .once("end", () => peer.end());
    socket.resume();
    await once(socket, "end");
    expect(received).toBe(total);
    expect(await port.stats()).toMatchObject({ pipes: 0, active: 0 });
  });
});

describe("choosing a backend", () => {
  it("takes the one with the fewest connections", async () => {
    const port = await forwarder();
    const three = [await backend(echo), await backend(echo), await backend(echo)];
    await port.setBackends(three);
    const sockets = await Promise.all(Array.from({ length: 30 }, () => open(port.port)));
    await vi.waitFor(() => expect(three.map(({ sockets }) => sockets.size)).toEqual([10, 10, 10]));
    for (const socket of sockets) socket.destroy();
  });

  it("goes to the next one when a backend refuses", async () => {
    const port = await forwarder();
    const gone = await listen(echo);
    await gone.close();
    const alive = await backend(echo);
    await port.setBackends([gone, alive]);
    for (let i = 0; i < 20; i += 1) expect(String(await exchange(port.port, Buffer.from("x")))).toBe("x");
    const stats = await port.stats();
    expect(stats.connectFailures).toBeGreaterThan(0);
    expect(stats.backends.find(({ port }) => port === alive.port)).toMatchObject({ total: 20, failures: 0 });
  });

  it("holds connections while no backend is up, and resets them when none comes in time", async () => {
    const port = await forwarder({ holdMs: 400 });
    const expired = open(port.port).then((socket) => once(socket.resume(), "error"));
    expect(await expired).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
    expect(await port.stats()).toMatchObject({ expired: 1, active: 0, waiting: 0 });

    const later = exchange(port.port, Buffer.from("patient"));
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ waiting: 1 }));
    await port.setBackends([await backend(echo)]);
    expect(String(await later)).toBe("patient");
  });

  it("waits for a backend that is named before it listens", async () => {
    const port = await forwarder();
    const placeholder = await listen(echo);
    await placeholder.close();
    await port.setBackends([placeholder]);
    const early = exchange(port.port, Buffer.from("early"));
    await vi.waitFor(async () => expect((await port.stats()).connectFailures).toBeGreaterThan(0));
    await backend(echo, placeholder.port);
    expect(String(await early)).toBe("early");
  });
});

describe("draining", () => {
  it("gives a backend no new connection and waits for the old ones", async () => {
    const port = await forwarder();
    const [old, young] = [await backend(echo), await backend(echo)];
    await port.setBackends([old]);
    const kept = await open(port.port);
    await vi.waitFor(() => expect(old.sockets.size).toBe(1));
    await port.setBackends([old, young]);
    expect(await port.drain(old, { timeoutMs: 50 })).toBe(1);
    const drained = port.drain(old, { timeoutMs: 10_000 });
    for (let i = 0; i < 5; i += 1) await exchange(port.port, Buffer.from("y"));
    expect((await port.stats()).backends).toEqual([
      expect.objectContaining({ port: old.port, draining: true, connections: 1, total: 1 }),
      expect.objectContaining({ port: young.port, draining: false, total: 5 }),
    ]);
    kept.end("bye");
    expect(String(Buffer.concat(await kept.toArray()))).toBe("bye");
    expect(await drained).toBe(0);
    expect((await port.stats()).backends).toHaveLength(1);
  });

  it("keeps the connections of a backend that a new list leaves out", async () => {
    const port = await forwarder();
    const [old, young] = [await backend(echo), await backend(echo)];
    await port.setBackends([old]);
    const kept = await open(port.port);
    await vi.waitFor(() => expect(old.sockets.size).toBe(1));
    await port.setBackends([young]);
    await exchange(port.port, Buffer.from("z"));
    kept.end("still here");
    expect(String(Buffer.concat(await kept.toArray()))).toBe("still here");
  });

  it("changes nothing when a list is not valid", async () => {
    const port = await forwarder();
    const only = await backend(echo);
    await port.setBackends([only]);
    await expect(
      port.setBackends(Array.from({ length: 129 }, (_, at) => ({ address: "127.0.0.1", port: at + 1 }))),
    ).rejects.toMatchObject({ code: "internal.bug" });
    expect((await port.stats()).backends.map(formatEndpoint)).toEqual([formatEndpoint(only)]);
  });

  it("lets open connections finish when the port is closed, and frees the port at once", async () => {
    const port = await forwarder();
    await port.setBackends([await backend(echo)]);
    const kept = await open(port.port);
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ forwarded: 1 }));
    const closed = port.close({ graceMs: 10_000 });
    await vi.waitFor(async () => {
      const again = await openPort({ port: port.port });
      await again.close();
    });
    kept.end("last words");
    expect(String(Buffer.concat(await kept.toArray()))).toBe("last words");
    expect(await closed).toBe(0);
  });
});

describe("under load", () => {
  it("leaves no descriptor after 10,000 connections that end in every way", async () => {
    const port = await forwarder();
    const server = await backend((socket) => {
      const way = Math.random();
      if (way < 0.3) socket.resetAndDestroy();
      else if (way < 0.5) socket.end("early");
      else echo(socket);
    });
    await port.setBackends([server]);
    const before = descriptorsOf(port.pid);
    let left = 10_000;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (left-- > 0) {
          const socket = connect({ port: port.port, host: "127.0.0.1", allowHalfOpen: true });
          socket.on("error", () => undefined);
          if (left % 3 === 0) socket.once("connect", () => socket.destroy());
          else if (left % 3 === 1) socket.end("data");
          else socket.once("connect", () => setImmediate(() => socket.resetAndDestroy()));
          await new Promise((resolve) => socket.resume().once("close", resolve));
        }
      }),
    );
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ active: 0, waiting: 0, pipes: 0 }));
    expect((await port.stats()).accepted).toBe(10_000);
    expect(descriptorsOf(port.pid) - before).toBeLessThanOrEqual(32); // the spare pipes
    expect(pssKb(port.pid)).toBeLessThan(100);
  });

  it("takes no more connections than it may; the others wait in the kernel's queue", async () => {
    const port = await forwarder({ maxConnections: 8 });
    const server = await backend(echo);
    await port.setBackends([server]);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open(port.port)));
    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ active: 8, queued: 12 }));
    const answers = sockets.map(async (socket) => {
      socket.end("q");
      return String(Buffer.concat((await socket.toArray()) as Buffer[]));
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => "q"));
  });
});

async function settled(read: () => Promise<number>): Promise<number> {
  for (let last = -1; ;) {
    const now = await read();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
