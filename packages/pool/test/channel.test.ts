import { expect, it } from "vitest";
import { type Placement, type PoolEvent } from "@constellation/pool";
import { uncaughtDuring } from "./uncaught.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const oddModule = new URL("./fixtures/odd-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1 });

/** What the module tells of a block that it got. */
interface Block {
  readonly first: number;
  readonly same: boolean;
  readonly length: number;
  readonly held: number;
}

const contents = (blocks: Block[]): unknown[] => blocks.map(({ first, same }) => (same ? first : "mixed"));

it.each<Placement>(["thread", "process"])(
  "a listener that throws disturbs nothing else of its %s",
  async (placement) => {
    const uncaught = await uncaughtDuring(async () => {
      const pool = await open({ placement });
      const lease = await pool.lease();
      await lease.load(oddModule);
      lease.onMessage(() => {
        throw new Error("mine");
      });
      lease.send("a");
      expect(await lease.call("echo", 5)).toBe(5);
      expect(await lease.call("wait", 10)).toBe(10);
    });
    expect(uncaught.map(String)).toEqual(["Error: mine"]);
  },
);

it.each<Placement>(["thread", "process"])(
  "an onEvent that throws disturbs nothing else of its %s",
  async (placement) => {
    const uncaught = await uncaughtDuring(async () => {
      const onEvent = ({ kind }: PoolEvent): void => {
        if (kind === "worker-warm" || kind === "leased") throw new Error(kind);
      };
      const pool = await open({ placement, onEvent });
      const lease = await pool.lease();
      expect(await lease.call("echo", 5)).toBe(5);
    });
    expect(uncaught.map(String)).toEqual(["Error: worker-warm", "Error: leased"]);
  },
);

it("calls that cannot be cloned do not fill the channel", async () => {
  const pool = await open({ placement: "thread" });
  const lease = await pool.lease();
  for (let calls = 0; calls < 300; calls += 1)
    await expect(lease.call("echo", () => 1)).rejects.toMatchObject({ code: "not-cloneable" });
  lease.send("hello");
});

it("results that cannot be cloned do not fill the channel", async () => {
  const pool = await open({ placement: "thread" });
  const lease = await pool.lease();
  await lease.load(oddModule);
  for (let calls = 0; calls < 300; calls += 1)
    await expect(lease.call("unclonable")).rejects.toMatchObject({ code: "not-cloneable" });
  const heard = new Promise((resolve) => lease.onMessage(resolve));
  lease.send("hello");
  expect(await heard).toEqual({ echo: "hello" });
});

it("a call that cannot be cloned leaves the others what they transfer", async () => {
  const pool = await open({ placement: "thread", workers: 1, spares: 0, concurrency: 4 });
  const { port1, port2 } = new MessageChannel();
  const settled = await Promise.allSettled([
    pool.run("portOf", new Map([["port", port1]]), { transfer: [port1] }),
    pool.run("echo", () => 1),
  ]);
  port2.close();
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
});

it("a message that cannot be cloned takes no call along", async () => {
  const uncaught = await uncaughtDuring(async () => {
    const pool = await open({ placement: "thread" });
    const lease = await pool.lease();
    lease.send(() => 1);
    expect(await lease.call("echo", 7)).toBe(7);
  });
  expect(uncaught).toMatchObject([{ name: "DataCloneError" }]);
});

it.each<Placement>(["thread", "process", "inline"])("bytes wait unharmed for a listener in a %s", async (placement) => {
  const pool = await open({ placement });
  const lease = await pool.lease<Block[]>();
  await lease.load(oddModule);
  const block = new Uint8Array(1000);
  for (let round = 1; round <= 20; round += 1) {
    lease.sendBytes(block.fill(round));
    await lease.call("echo", round);
  }
  const told = new Promise<Block[]>((resolve) => lease.onMessage(resolve));
  lease.send("listen");
  lease.send("tell");
  expect(contents(await told)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

it("bytes may be changed once they are sent, also to a process that is busy", async () => {
  const pool = await open({ placement: "process" });
  const lease = await pool.lease<Block[]>();
  await lease.load(oddModule);
  lease.send("listen");
  lease.send(300);
  const block = new Uint8Array(300_000);
  for (let round = 1; round <= 20; round += 1) lease.sendBytes(block.fill(round));
  const told = new Promise<Block[]>((resolve) => lease.onMessage(resolve));
  lease.send("tell");
  expect(contents(await told)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

it("bytes that are cut from a large piece go without it", async () => {
  const pool = await open({ placement: "thread" });
  const lease = await pool.lease<Block[]>();
  await lease.load(oddModule);
  lease.send("listen");
  lease.sendBytes(new Uint8Array(1_000_000).subarray(5, 15));
  const told = new Promise<Block[]>((resolve) => lease.onMessage(resolve));
  lease.send("tell");
  expect(await told).toMatchObject([{ length: 10, held: 10 }]);
});
