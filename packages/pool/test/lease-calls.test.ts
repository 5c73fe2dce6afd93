import { expect, it } from "vitest";
import type { Placement } from "@constellation/pool";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const oddModule = new URL("./fixtures/odd-module.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1 });

it.each<Placement>(["thread", "process", "inline"])(
  "calls of a leased %s that come while a module loads are answered",
  async (placement) => {
    const pool = await open({ placement });
    const lease = await pool.lease();
    const loaded = lease.load(oddModule);
    const calls = [1, 2, 3].map((each) => lease.call("echo", each));
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    await loaded;
  },
);

it.each<Placement>(["thread", "process"])(
  "a %s lets go of what it has done, also when something always waits",
  async (placement) => {
    const pool = await open({ placement });
    const lease = await pool.lease();
    const calls: Promise<unknown>[] = [];
    let most = 0;
    for (let sent = 0; sent < 300; sent += 1) {
      calls.push(lease.call("weigh", new Uint8Array(1_000_000)));
      if (calls.length > 8) most = Math.max(most, Number(await calls.shift()));
    }
    await Promise.all(calls);
    expect(most).toBeLessThan(150_000_000);
  },
);
