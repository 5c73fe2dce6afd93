import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createPool, type Placement, type Pool, type PoolEvent, type PoolOptions } from "@constellation/pool";
import { buildSnapshot } from "../src/worker/startup-snapshot.ts";
import { owned, until } from "./leftovers.ts";

const fixture = (name: string): URL => new URL(`./fixtures/${name}`, import.meta.url);

/** The script of the snapshot in a file that nobody has built one of. */
function freshSnapshot(more = ""): string {
  const script = join(mkdtempSync(join(tmpdir(), "pool-script-")), "snapshot.cjs");
  onTestFinished(() => rmSync(dirname(script), { recursive: true }));
  writeFileSync(script, `${readFileSync(fixture("snapshot.cjs"), "utf8")}\n${more} // ${script}\n`);
  return script;
}

function open(options: Partial<PoolOptions>): Pool {
  const pool = createPool({ module: fixture("tasks.js"), workers: 1, ...options });
  onTestFinished(() => pool.close({ graceMs: 0 }));
  return pool;
}

it("worker processes start with the heap of a script that ran once", async () => {
  const pool = open({ placement: "process", workers: 2, process: { snapshot: fixture("snapshot.cjs") } });
  await pool.ready();
  const found = (await pool.run("snapshotted")) as { pid: number; table: number[] };
  expect(found.table[99]).toBe(99 * 99);
  expect(pool.snapshot()[0]?.workers.map((worker) => worker.id)).not.toContain(found.pid);
  // Modules, leases and all else work in them as in others.
  expect(await pool.run("add", { left: 1, right: 2 })).toBe(3);
});

it("a process that is leased before the snapshot is built starts with it, too", async () => {
  const pool = open({ placement: "process", workers: 0, spares: 1, process: { snapshot: freshSnapshot() } });
  const lease = await pool.lease({ whenGone: { queueMs: 20_000 } });
  expect(await lease.call("snapshotted")).toMatchObject({ pid: expect.any(Number) as number });
  const cold = await pool.lease({ whenGone: "cold" });
  expect(await cold.call("snapshotted")).toMatchObject({ pid: expect.any(Number) as number });
});

it("the same snapshot may be built by several at a time", async () => {
  const script = freshSnapshot("globalThis.large = Array.from({ length: 1_000_000 }, (_, index) => index + 0.5);");
  const plan = { script, directory: dirname(script), timeoutMs: 20_000, signal: new AbortController().signal };
  const blobs = await Promise.all([1, 2, 3, 4].map(() => buildSnapshot(plan)));
  expect(new Set(blobs).size).toBe(1);
  // Nothing unfinished.
  expect(readdirSync(dirname(script))).toHaveLength(2);
});

it("a snapshot script that fails is named, and calls fail at once instead of waiting", async () => {
  const events: PoolEvent[] = [];
  const process = { snapshot: fixture("broken-snapshot.cjs") };
  const pool = open({ placement: "process", process, spares: 1, onEvent: (event) => events.push(event) });
  const waiting = pool.run("noop");
  await expect(pool.ready()).rejects.toMatchObject({
    code: "warmup-failed",
    message: expect.stringMatching(/broken-snapshot\.cjs.*RangeError: this script cannot be run/) as string,
  });
  await expect(waiting).rejects.toMatchObject({ code: "warmup-failed" });
  await expect(pool.lease()).rejects.toMatchObject({ code: "warmup-failed" });
  expect(events.some((event) => event.kind === "worker-started")).toBe(false);
});

it("a pool that is closed while its snapshot is built leaves no builder behind", async () => {
  const before = owned();
  const script = join(mkdtempSync(join(tmpdir(), "pool-script-")), "endless.cjs");
  onTestFinished(() => rmSync(dirname(script), { recursive: true }));
  writeFileSync(script, `for (;;); // ${Date.now()}`);
  const pool = createPool({
    module: fixture("tasks.js"),
    workers: 1,
    placement: "process",
    process: { snapshot: script },
  });
  await until(() => owned().children.length > before.children.length, "the builder");
  await pool.close();
  await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing left");
});

it.each<Placement>(["thread", "process"])("a %s says whether V8's compile cache is on", async (placement) => {
  const directory = mkdtempSync(join(tmpdir(), "pool-cache-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const events: PoolEvent[] = [];
  await open({ placement, compileCache: directory, onEvent: (event) => events.push(event) }).ready();
  const isThere = "enableCompileCache" in nodeModule;
  const warm = events.find((event) => event.kind === "worker-warm");
  expect(warm?.compileCache).toBe(isThere ? "on" : "not-in-this-node");
  // Written when the worker was warm: it will be killed, and then it is too late.
  expect(readdirSync(directory, { recursive: true }).length > 0).toBe("flushCompileCache" in nodeModule);
});
