import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { launchBinary } from "../../src/binary.ts";
import { PortProcess } from "../../src/ports/index.ts";
import { newFolder } from "./running.ts";
import { Chance, chaosSeed } from "../chance.ts";
import { sanitized } from "./sanitized.ts";
import { echo, listen } from "./talking.ts";

it(
  "keeps its books through every way in which connections and backends can come and go",
  { timeout: 90_000 },
  async () => {
    const folder = newFolder();
    const process = spawn(sanitized(folder) ?? launchBinary("port"), [
      folder,
      "127.0.0.1:0",
      "4096",
      "forward",
      "60",
      "500",
    ]);
    onTestFinished(() => void process.kill("SIGKILL"));
    let complaints = "";
    process.stderr.on("data", (text) => (complaints += String(text)));
    await once(process.stdout, "data");
    const port = await PortProcess.adopt(folder);
    if (port === undefined) throw new Error("it does not answer");
    const servers = [await listen(echo), await listen(rude), await listen(slow)];
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))));
    const named = [...servers, { address: "127.0.0.1", port: 1 }, { address: "::1", port: 2 }]; // nobody is there

    console.log(`seed ${chaosSeed}: CONSTELLATION_CHAOS_SEED=${chaosSeed} draws the same again`);
    const chance = new Chance(chaosSeed);
    const operator = chance.fork();
    const over = new AbortController();
    const operating = (async () => {
      while (!over.signal.aborted) {
        await port.setBackends(named.filter(() => operator.next() < 0.6));
        const first = operator.pick(named);
        if (operator.next() < 0.3) await port.drain(first, { timeoutMs: 20 });
        await sleep(10);
      }
    })();
    let left = 3000;
    await Promise.all(
      Array.from({ length: 80 }, async () => {
        while (left-- > 0) await misbehave(port.port, chance.fork());
      }),
    );
    over.abort();
    await operating;

    await vi.waitFor(async () => expect(await port.stats()).toMatchObject({ active: 0, waiting: 0, pipes: 0 }), {
      timeout: 5000,
    });
    const stats = await port.stats();
    expect(stats.backends.map(({ connections }) => connections)).toEqual(stats.backends.map(() => 0));
    expect(stats.accepted).toBeGreaterThan(1000);
    expect(await port.close()).toBe(0);
    if (process.exitCode === null) await once(process, "exit");
    expect([process.exitCode, complaints]).toEqual([0, ""]);
    for (const server of servers) await server.close();
  },
);

const rudeness = new Chance(chaosSeed);
function rude(socket: Socket): void {
  if (rudeness.next() < 0.5) socket.resetAndDestroy();
  else socket.end("x".repeat(1_000_000));
}

function slow(socket: Socket): void {
  socket.pause();
  setTimeout(() => echo(socket.resume()), 30);
}

/** One connection that sends something, or much, and ends in one of many ways. */
async function misbehave(port: number, chance: Chance): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  const ends = [() => socket.destroy(), () => socket.resetAndDestroy(), () => socket.end()];
  const end = chance.pick(ends);
  const bytes = chance.next() < 0.8 ? chance.below(chance.next() < 0.1 ? 2e6 : 6000) : 0;
  const afterMs = chance.next() * 8;
  socket.once("connect", () => {
    if (bytes > 0) socket.write(randomBytes(bytes));
    setTimeout(end, afterMs);
  });
  const tooLong = setTimeout(() => socket.destroy(), 3000);
  await new Promise((resolve) => socket.resume().once("close", resolve));
  clearTimeout(tooLong);
}
