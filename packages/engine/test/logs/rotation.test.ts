import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FileLogStore, type LogEntry } from "../../src/index.ts";
import { logFiles, openLogFile } from "../../src/logs/rotation.ts";
import { scratch } from "../scratch.ts";

const writer = fileURLToPath(new URL("../fixtures/log-writer.mjs", import.meta.url));

interface Written {
  readonly lines: number;
  readonly maxFileBytes: number;
  readonly rotatedFiles: number;
  readonly linesPerWrite: number;
  readonly pauseMs: number;
}

/** Runs a writer in a process of its own and follows it until its last line. */
async function followed(written: Written, each: (entry: LogEntry) => Promise<void> | undefined): Promise<LogEntry[]> {
  const directory = join(scratch(), "logs");
  const folder = join(directory, "web.1");
  mkdirSync(folder, { recursive: true });
  const { lines, maxFileBytes, rotatedFiles, linesPerWrite, pauseMs } = written;
  const store = new FileLogStore({ directory });
  const entries: LogEntry[] = [];
  const stop = new AbortController();
  const following = (async () => {
    for await (const entry of store.follow({ from: { sinceMs: 0 }, signal: stop.signal })) {
      entries.push(entry);
      await each(entry);
      if (entry.kind === "line" && numberOf(entry.text) === lines - 1) return;
    }
  })();
  const child = spawn(
    process.execPath,
    [writer, folder, ...[lines, maxFileBytes, rotatedFiles, linesPerWrite, pauseMs].map(String)],
    { stdio: "inherit" },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  await following;
  stop.abort();
  await store.close();
  return entries;
}

function numberOf(text: string): number {
  return Number.parseInt(text, 10);
}

/** What a line of that number must look like. */
function wanted(number: number): string {
  return number % 10 === 9 ? `${number}-rest` : `${number} ${"x".repeat(number % 100)}`;
}

test("a follower that keeps up sees every line once and whole, across hundreds of rotations", async () => {
  const entries = await followed(
    { lines: 30_000, maxFileBytes: 8000, rotatedFiles: 400, linesPerWrite: 60, pauseMs: 1 },
    () => undefined,
  );
  expect(entries.filter(({ kind }) => kind === "gap")).toEqual([]);
  expect(entries.map((entry) => entry.kind === "line" && entry.text)).toEqual(
    Array.from({ length: 30_000 }, (_, number) => wanted(number)),
  );
});

test("a follower that is too slow gets a gap wherever lines are missing, and nothing twice", async () => {
  let pauses = 0;
  const entries = await followed(
    { lines: 200_000, maxFileBytes: 100_000, rotatedFiles: 2, linesPerWrite: 200, pauseMs: 0 },
    (entry) => {
      // The reader sleeps now and then while the writer goes on as fast as it can.
      if (entry.kind === "line" && numberOf(entry.text) % 500 === 0 && pauses < 40) {
        pauses += 1;
        return new Promise((resolve) => setTimeout(resolve, 20));
      }
      return undefined;
    },
  );
  let last = -1;
  let afterGap = false;
  let missing = 0;
  for (const entry of entries) {
    if (entry.kind === "gap") {
      expect(entry.why).toBe("rotated");
      afterGap = true;
      continue;
    }
    const number = numberOf(entry.text);
    expect(entry.text).toBe(wanted(number));
    expect(number).toBeGreaterThan(last);
    if (number !== last + 1) {
      expect(afterGap, `lines ${last + 1} to ${number - 1} are missing without a gap`).toBe(true);
      missing += number - last - 1;
    }
    afterGap = false;
    last = number;
  }
  expect(last).toBe(199_999);
  expect(missing, "the writer must have overtaken the reader").toBeGreaterThan(0);
});

test("the last lines are there however often the log is rotated while they are looked for", async () => {
  const directory = join(scratch(), "logs");
  const folder = join(directory, "web.1");
  mkdirSync(folder, { recursive: true });
  const store = new FileLogStore({ directory });
  // A rotation every few writes, thousands a second.
  const child = spawn(process.execPath, [writer, folder, "60000", "1000", "2", "5", "0"], { stdio: "inherit" });
  const ended = once(child, "exit");
  let queries = 0;
  const empty: number[] = [];
  for (let started = false; child.exitCode === null;) {
    const lines: string[] = [];
    for await (const entry of store.query({ tail: 3 })) if (entry.kind === "line") lines.push(entry.text);
    started ||= lines.length > 0;
    if (started && lines.length === 0) empty.push(queries);
    queries += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  await store.close();
  expect(queries).toBeGreaterThan(10);
  expect(empty).toEqual([]);
});

test("a file that got the inode of one that is gone is not taken for it", async ({ skip }) => {
  const folder = scratch();
  const path = join(folder, "log");
  const now = (): Promise<void> => sleep(20);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    writeFileSync(path, "first");
    await now();
    // From here on it was changed after it was born, as every log with a line is.
    writeFileSync(path, " and on", { flag: "a" });
    const [seen] = logFiles(folder);
    rmSync(path);
    await now();
    writeFileSync(path, "another, and longer than the first");
    const [other] = logFiles(folder);
    if (seen === undefined || other === undefined) throw new Error("the log is not there");
    const isReused = seen.inode === other.inode;
    if (isReused && seen.bornMs !== null) return expect(openLogFile(seen)).toBeUndefined();
    rmSync(path);
  }
  skip("this file system gives no inode out again, or does not tell when a file was born");
});

test("a file that was rotated since it was seen is opened under its present name", () => {
  const folder = scratch();
  writeFileSync(join(folder, "log"), "first");
  const [seen] = logFiles(folder);
  if (seen === undefined) throw new Error("the log is not there");
  for (const to of ["log.1", "log.2"]) {
    renameSync(join(folder, to === "log.1" ? "log" : "log.1"), join(folder, to));
    writeFileSync(join(folder, to === "log.1" ? "log" : "log.1"), "later");
  }
  const file = openLogFile(seen);
  expect(file).toBeDefined();
  expect(readFileSync(file ?? -1, "utf8")).toBe("first");
  closeSync(file ?? -1);
  rmSync(join(folder, "log.2"));
  expect(openLogFile(seen)).toBeUndefined();
});
