import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MetricTable } from "../../src/metrics/metric-lines.ts";
import { MetricSocket } from "../../src/metrics/metric-socket.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "constellation-metrics-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("numbers are taken, everything else is counted and refused", () => {
  const table = new MetricTable();
  for (const line of ["queue=5", "latency.p99=1.5e-3", "queue=7", "x=", "=1", "a b=1", "y=NaN", "z=0x10", "w=1 2"])
    table.take(line);
  expect(table.snapshot()).toEqual({ queue: 7, "latency.p99": 0.0015 });
  expect(table.refused).toBe(6);
});

test("names are bounded; those that are known go on", () => {
  const table = new MetricTable();
  for (let at = 0; at < 100; at += 1) table.take(`m${at}=1`);
  table.take("m3=9");
  expect(Object.keys(table.snapshot())).toHaveLength(64);
  expect(table.snapshot()).toMatchObject({ m3: 9 });
  expect(table.refused).toBe(36);
});

test("whatever is written, the table holds only finite numbers under short names", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.string(), fc.double()).map(([n, v]) => `${n}=${v}`),
        ),
      ),
      (lines) => {
        const table = new MetricTable();
        for (const line of lines) table.take(line);
        for (const [name, value] of Object.entries(table.snapshot())) {
          expect(Number.isFinite(value)).toBe(true);
          expect(name.length).toBeLessThanOrEqual(64);
        }
      },
    ),
  );
});

/** Writes to the socket and resolves when the other side has taken it and closed. */
function push(path: string, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.end(bytes));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.setTimeout(5000, () => reject(new Error("the socket did not close")));
    socket.resume();
  });
}

test("a program pushes lines, in pieces too, and the next daemon opens the same socket", async () => {
  const path = join(folder, "metrics.sock");
  const first = await MetricSocket.open(path);
  await push(path, "jobs=3\nrate=0.5\nlast=1");
  expect(first.values()).toEqual({ jobs: 3, rate: 0.5, last: 1 });
  first.close();
  const second = await MetricSocket.open(path);
  await push(path, "jobs=4\n");
  expect(second.values()).toEqual({ jobs: 4 });
  second.close();
  expect(readdirSync(folder)).toEqual([]);
});

test("a line without end is cut off and counted", async () => {
  const path = join(folder, "metrics.sock");
  const socket = await MetricSocket.open(path);
  await push(path, Buffer.alloc(100_000, 120));
  await push(path, "ok=1\n");
  expect(socket.values()).toEqual({ ok: 1 });
  expect(socket.refused).toBeGreaterThan(0);
  socket.close();
});

test("a program that connects without end is not listened to for a while, and then again", async () => {
  const path = join(folder, "metrics.sock");
  const socket = await MetricSocket.open(path);
  await push(path, "before=1\n");
  const attempts = 1000;
  let connected = 0;
  for (let at = 0; at < attempts; at += 1) connected += Number(await connects(path));
  expect(connected).toBeLessThan(attempts / 2);
  expect(socket.values()).toEqual({ before: 1 });
  await vi.waitFor(
    async () => {
      await push(path, "after=2\n");
      expect(socket.values()).toEqual({ before: 1, after: 2 });
    },
    { timeout: 10_000, interval: 100 },
  );
  socket.close();
  expect(readdirSync(folder)).toEqual([]);
}, 20_000);

test("a socket that cannot be opened again for a while is opened when it can", async () => {
  const path = join(folder, "metrics.sock");
  const socket = await MetricSocket.open(path);
  while (await connects(path));
  renameSync(folder, `${folder}.away`);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  renameSync(`${folder}.away`, folder);
  await vi.waitFor(async () => expect(await connects(path)).toBe(true), { timeout: 5000, interval: 100 });
  socket.close();
  expect(readdirSync(folder)).toEqual([]);
}, 20_000);

test("small pieces without end are taken together", async () => {
  const path = join(folder, "metrics.sock");
  const socket = await MetricSocket.open(path);
  const read = vi.spyOn(MetricTable.prototype, "take");
  const program = connect(path);
  for (let at = 0; at < 100; at += 1) {
    program.write(`at=${at}\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  program.end();
  await vi.waitFor(() => expect(socket.values()).toEqual({ at: 99 }));
  expect(read).toHaveBeenCalledTimes(100);
  socket.close();
});

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path, () => {
      client.destroy();
      resolve(true);
    });
    client.on("error", () => resolve(false));
  });
}
