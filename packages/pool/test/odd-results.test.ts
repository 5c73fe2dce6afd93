import { expect, it } from "vitest";
import { type Placement, type PoolEvent } from "@constellation/pool";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open } = watchedPools({ module, workers: 0, spares: 1 });

it.each<Placement>(["thread", "process", "inline"])(
  "a thenable that throws fails its task in a %s",
  async (placement) => {
    const events: PoolEvent[] = [];
    const pool = await open({ placement, workers: 1, spares: 0, onEvent: (event) => events.push(event) });
    for (const how of ["getter", "call"])
      await expect(pool.run("thenable", how)).rejects.toMatchObject({ message: "no then for you" });
    expect(events.filter(({ kind }) => kind === "worker-ended")).toEqual([]);
  },
);

it("a process that only speaks of failed allocations has not run out of memory", async () => {
  const pool = await open({ placement: "process", workers: 1, spares: 0 });
  await expect(pool.run("complain", 3)).rejects.toMatchObject({
    code: "worker-crashed",
    message: expect.stringMatching(/exit code 3/) as string,
  });
  expect(pool.snapshot()[0]?.counts).toMatchObject({ crashes: 1, outOfMemory: 0 });
});
