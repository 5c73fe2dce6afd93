import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createPool } from "@constellation/pool";
import { Lingering } from "../src/lingering.ts";

const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Immediate").length;

it("keeps the loop turning until what it waits for has come", async () => {
  const lingering = new Lingering();
  const before = immediates();
  lingering.begin();
  lingering.begin();
  expect(immediates() - before).toBeLessThanOrEqual(1);
  lingering.end();
  lingering.end();
  expect(immediates()).toBe(before);
  await sleep(1);
});

it("goes to sleep by itself when nothing comes", async () => {
  const before = immediates();
  const lingering = new Lingering();
  for (let round = 0; round < 10; round += 1) {
    lingering.begin();
    // 200 turns of a loop whose timer is not due.
    await sleep(30);
  }
  expect(immediates()).toBe(before);
});

it.each([true, false])(
  "awaits the answers of lone quick tasks awake, unless that is not wanted (%s)",
  async (staysAwake) => {
    const module = new URL("./fixtures/tasks.js", import.meta.url);
    const pool = createPool({ module, workers: 1, placement: "thread", staysAwake });
    try {
      const before = immediates();
      let awake = 0;
      for (let index = 0; index < 300; index += 1) {
        const answer = pool.run("echo", index);
        awake += immediates() - before;
        expect(await answer).toBe(index);
      }
      if (staysAwake && availableParallelism() > 1) expect(awake).toBeGreaterThan(0);
      else expect(awake).toBe(0);
    } finally {
      await pool.close();
    }
  },
);
