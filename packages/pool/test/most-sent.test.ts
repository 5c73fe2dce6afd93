import { expect, it, vi } from "vitest";
import { createPool } from "@constellation/pool";
import { mostSent } from "../src/worker/link.ts";
import { PoolWorker } from "../src/worker/pool-worker.ts";
import { until } from "./leftovers.ts";

it("replaces a worker before the numbers of its tasks do not fit into their word any more", async () => {
  const pool = createPool({ module: new URL("./fixtures/odd-tasks.js", import.meta.url), workers: 1 });
  try {
    await pool.run("echo", 1);
    const first = pool.snapshot()[0]?.workers[0]?.worker;
    // Two thousand million tasks take hours.
    const sent = vi.spyOn(PoolWorker.prototype, "sent", "get").mockReturnValue(mostSent);
    await pool.run("echo", 2);
    sent.mockRestore();
    await until(() => pool.snapshot()[0]?.workers.every(({ worker }) => worker !== first) ?? false, "another worker");
    expect(await pool.run("echo", 3)).toBe(3);
  } finally {
    vi.restoreAllMocks();
    await pool.close();
  }
});
