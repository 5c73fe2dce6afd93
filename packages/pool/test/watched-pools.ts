import { createPool, type Pool, type PoolOptions } from "@constellation/pool";
import { afterEach, beforeEach } from "vitest";
import { owned, until } from "./leftovers.ts";

/** How a test file opens its pools: each is closed after its test, and nothing of it may be left then. */
export interface WatchedPools {
  /** Makes a pool with these options over those of the file. */
  readonly make: (options?: Partial<PoolOptions>) => Pool;
  /** Makes one and waits until it is ready. */
  readonly open: (options: Partial<PoolOptions>) => Promise<Pool>;
  /** Watches one that was made otherwise. */
  readonly keep: (pool: Pool) => Pool;
}

/** To be called once, at the top of a test file. */
export function watchedPools(defaults: PoolOptions): WatchedPools {
  const pools: Pool[] = [];
  let before: ReturnType<typeof owned>;
  beforeEach(() => {
    before = owned();
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close({ graceMs: 0 })));
    await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing left of the pool");
  });
  const keep = (pool: Pool): Pool => {
    pools.push(pool);
    return pool;
  };
  const make = (options: Partial<PoolOptions> = {}): Pool => keep(createPool({ ...defaults, ...options }));
  return {
    keep,
    make,
    open: async (options) => {
      const pool = make(options);
      await pool.ready();
      return pool;
    },
  };
}
