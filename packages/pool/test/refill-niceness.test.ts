import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import type { Placement, Pool } from "@constellation/pool";
import { canTakeNicenessBack } from "../src/privilege.ts";
import { until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/slow-module.js", import.meta.url);
const { open } = watchedPools({ module, placement: "process", workers: 0, spares: 1 });

/** Process id of the one that warms up. */
function starting(pool: Pool): number | undefined {
  return pool.snapshot()[0]?.workers.find(({ state }) => state === "starting")?.id;
}

/** Niceness of the process that warms up, and of its session where the kernel has such a thing. */
function niceness(pool: Pool): number[] {
  const pid = starting(pool);
  if (pid === undefined) return [];
  try {
    const session = /nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, "utf8"))?.[1];
    return [getPriority(pid), ...(session === undefined ? [] : [Number(session)])];
  } catch {
    return [getPriority(pid)];
  }
}

const isAt = (pool: Pool, wanted: number): boolean => {
  const found = niceness(pool);
  return found.length > 0 && found.every((each) => each === wanted);
};

it.runIf(canTakeNicenessBack())("a refill comes behind all others, until somebody waits for it", async () => {
  const pool = await open({});
  await pool.lease();
  await until(() => isAt(pool, 19), "the next one, niced with its session");
  const waiting = pool.lease({ whenGone: { queueMs: 20_000 } });
  expect(isAt(pool, 0)).toBe(true);
  await waiting;
});

/** A module that gets ready when a file is gone: then it is not up to the machine how far a worker has got at some time. */
function heldModule(): { readonly module: string; readonly hold: () => void; readonly letGo: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "pool-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [module, held] = [join(folder, "tasks.mjs"), join(folder, "held")];
  writeFileSync(
    module,
    `import { existsSync } from "node:fs";
    while (existsSync(${JSON.stringify(held)})) await new Promise((resolve) => setTimeout(resolve, 20));`,
  );
  return { module, hold: () => writeFileSync(held, ""), letGo: () => rmSync(held) };
}

it.runIf(canTakeNicenessBack())("a refill that takes long is niced for half of its time only", async () => {
  const { module, hold, letGo } = heldModule();
  const pool = await open({ module, warmUpTimeoutMs: 8000 });
  hold();
  await pool.lease();
  await until(() => isAt(pool, 19), "the next one, niced with its session");
  await until(() => isAt(pool, 0), "not niced any more, before it is warm");
  letGo();
  await until(() => pool.snapshot()[0]?.spares.idle === 1, "a spare");
});

it.runIf(canTakeNicenessBack())("a refill that is started again while somebody waits is not niced", async () => {
  const { module, hold, letGo } = heldModule();
  const pool = await open({ module });
  hold();
  await pool.lease();
  await until(() => isAt(pool, 19), "the next one, niced with its session");
  const first = starting(pool);
  const waiting = pool.lease({ whenGone: { queueMs: 20_000 } });
  process.kill(Number(first), "SIGKILL");
  await until(() => ![first, undefined].includes(starting(pool)), "another one");
  expect(isAt(pool, 0)).toBe(true);
  letGo();
  await waiting;
});

it.runIf(canTakeNicenessBack()).each<Placement>(["thread", "process"])(
  "a %s that has become warm is niced no longer",
  async (placement) => {
    const pool = await open({ placement, module: new URL("./fixtures/tasks.js", import.meta.url) });
    const first = await pool.lease();
    await until(() => pool.snapshot()[0]?.spares.idle === 1, "a spare");
    const refilled = await pool.lease();
    expect(refilled.worker).not.toBe(first.worker);
    const ownPriority = "data:text/javascript,import os from 'node:os'; export default () => os.getPriority()";
    expect(await refilled.load(ownPriority)).toBe(0);
  },
);

const program = fileURLToPath(new URL("./fixtures/drops-rights.js", import.meta.url));

it.runIf(canTakeNicenessBack() && isReadableByAll(program))(
  "a refill is not niced, and does not end, when the program has given up the right to take it back",
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 25_000 });
    expect(JSON.parse(stdout)).toEqual({ ended: [], niceness: 0 });
  },
);

/** Whether somebody without rights can get there. */
function isReadableByAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at))
    if ((statSync(at).mode & 0o001) === 0 && at !== path) return false;
  return (statSync(path).mode & 0o004) !== 0;
}
