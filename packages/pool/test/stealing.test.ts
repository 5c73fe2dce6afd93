import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPool, type Placement, type Pool } from "@constellation/pool";

async function open(placement: Placement, workers: number): Promise<Pool> {
  const pool = createPool({ module: new URL("./fixtures/tasks.js", import.meta.url), placement, workers });
  onTestFinished(() => pool.close({ graceMs: 0 }));
  await pool.ready();
  return pool;
}

function openLog(): string {
  const folder = mkdtempSync(join(tmpdir(), "pool-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "began");
  writeFileSync(file, "");
  return file;
}

describe.each<Placement>(["thread", "process"])("tasks sent ahead to a %s", (placement) => {
  it("do not wait behind one that is suddenly long while others have nothing to do", async () => {
    const pool = await open(placement, 2);
    for (let round = 0; round < 50; round += 1) await pool.run("fickleSpin", 0);
    const done: string[] = [];
    const note = (name: string, ms: number): Promise<unknown> => pool.run("fickleSpin", ms).then(() => done.push(name));
    await Promise.all([note("long", 1500), ...Array.from({ length: 30 }, () => note("quick", 0))]);
    expect(done.indexOf("long")).toBe(30);
    expect(pool.snapshot()[0]?.counts.tasksStolen).toBeGreaterThan(0);
    // The worker that was stuck does its share again.
    expect(await Promise.all(Array.from({ length: 60 }, (_, index) => pool.run("echo", index)))).toHaveLength(60);
  });

  it("begin once, wherever they end up", async () => {
    const pool = await open(placement, 3);
    for (let round = 0; round < 50; round += 1) await pool.run("noteAndSpin", { file: "/dev/null", index: 0, ms: 0 });
    const spins = fc.array(fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.integer({ min: 6, max: 20 })), {
      minLength: 30,
      maxLength: 100,
    });
    await fc.assert(
      fc.asyncProperty(spins, async (plan) => {
        const file = openLog();
        const results = await Promise.all(plan.map((ms, index) => pool.run("noteAndSpin", { file, index, ms })));
        expect(results).toEqual(plan.map((_, index) => index));
        const began = readFileSync(file, "utf8").trim().split("\n").map(Number);
        expect(began.toSorted((left, right) => left - right)).toEqual(plan.map((_, index) => index));
      }),
      { numRuns: 15 },
    );
  });
});

it("tasks of one key stay in order behind their long one, and whoever is tied to nobody does not", async () => {
  const pool = await open("thread", 2);
  for (let round = 0; round < 50; round += 1) await pool.run("fickleSpin", 0);
  const done: string[] = [];
  const note = (name: string, ms: number, key?: string): Promise<unknown> =>
    pool.run("fickleSpin", ms, key === undefined ? {} : { key }).then(() => done.push(name));
  await Promise.all([
    note("first of a", 500, "a"),
    note("second of a", 0, "a"),
    note("third of a", 0, "a"),
    ...Array.from({ length: 20 }, () => note("free", 0)),
  ]);
  expect(done.filter((name) => name !== "free")).toEqual(["first of a", "second of a", "third of a"]);
  expect(done.lastIndexOf("free")).toBe(19);
});
