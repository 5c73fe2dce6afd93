import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
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
