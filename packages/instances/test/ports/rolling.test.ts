import { Agent } from "node:http";
import { describe, expect, it } from "vitest";
import type { PortProcess } from "../../src/ports/index.ts";
import { fixture, openPort, type Running, run, runShared } from "./running.ts";
import { fetchText } from "./talking.ts";
import { allocatePrivatePort } from "../../src/ports/index.ts";

const server = ["node", fixture("http-server.cjs")];

interface Load {
  readonly served: Map<string, number>;
  stop(): Promise<void>;
}

/** Asks without a pause until it is stopped; a request that fails fails the test. */
function load(port: PortProcess, clients: number, keepAlive: boolean): Load {
  const served = new Map<string, number>();
  const agent = keepAlive ? new Agent({ keepAlive, maxSockets: clients }) : undefined;
  const stopping = new AbortController();
  const asking = Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      while (!stopping.signal.aborted) {
        const pid = await fetchText(port.port, at % 5 === 0 ? "/slow" : "/", "127.0.0.1", agent);
        served.set(pid, (served.get(pid) ?? 0) + 1);
      }
    }),
  );
  return {
    served,
    stop: async () => {
      stopping.abort();
      await asking;
      agent?.destroy();
    },
  };
}

async function ready(program: Running): Promise<Running> {
  expect(await program.line()).toBe("ready");
  return program;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a rolling restart under load", () => {
  it.each([
    ["kept-alive connections", true],
    ["a connection for each request", false],
  ])("fails no request of %s on a shared socket, and every instance serves", async (_, keepAlive) => {
    const port = await openPort();
    const old = await Promise.all([1, 2, 3].map(() => ready(runShared(port, server))));
    const clients = load(port, 20, keepAlive);
    await pause(500);
    const young: Running[] = [];
    for (const instance of old) {
      young.push(await ready(runShared(port, server)));
      expect(await instance.stop()).toBe("SIGTERM");
    }
    await pause(500);
    await clients.stop();
    for (const { pid } of [...old, ...young]) expect(clients.served.get(String(pid))).toBeGreaterThan(0);
  });

  it("fails none when the only instance is replaced: connections wait in the kernel", async () => {
    const port = await openPort();
    const first = await ready(runShared(port, server));
    const clients = load(port, 10, true);
    await pause(300);
    await first.stop();
    const second = await ready(runShared(port, server));
    await pause(300);
    await clients.stop();
    expect([...clients.served.keys()].toSorted()).toEqual([String(first.pid), String(second.pid)].toSorted());
  });

  it("fails none behind the forwarder, by draining first", async () => {
    const port = await openPort({ sharing: "forwarded" });
    const start = async () => {
      const held = await allocatePrivatePort();
      const program = await ready(run(server, { PORT: String(held.port), LISTEN_AS: "host" }));
      return { program, held, address: "127.0.0.1", port: held.port };
    };
    const old = [await start(), await start()];
    await port.setBackends(old);
    const clients = load(port, 20, false);
    await pause(300);
    for (const instance of old.slice()) {
      old.push(await start());
      old.shift();
      await port.setBackends(old);
      expect(await port.drain(instance, { timeoutMs: 5000 })).toBe(0);
      await instance.program.stop();
      instance.held.release();
    }
    await pause(300);
    await clients.stop();
    expect(clients.served.size).toBe(4);
    expect(await port.stats()).toMatchObject({ aborted: 0, expired: 0, connectFailures: 0 });
  });

  it("spreads kept-alive connections over the instances", async () => {
    const port = await openPort();
    await Promise.all([1, 2, 3].map(() => ready(runShared(port, server))));
    const clients = load(port, 60, true);
    await pause(1000);
    await clients.stop();
    expect(clients.served.size).toBe(3);
  });
});
