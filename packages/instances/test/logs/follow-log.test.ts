import { appendFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followLog } from "../../src/logs/follow-log.ts";
import { LineJoiner } from "../../src/logs/line-joiner.ts";
import { logEnd, type LogPosition } from "../../src/logs/log-files.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "constellation-logs-"));
  path = join(folder, "web.1.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (text: string, tag = "F", stream = "stdout"): string =>
  `2026-11-21T05:00:00.123456789Z ${stream} ${tag} ${text}\n`;

/** Rotates as the supervisor does: newest first, at most `keep` old files. */
function rotate(keep: number): void {
  rmSync(`${path}.${keep}`, { force: true });
  for (let number = keep - 1; number >= 1; number -= 1)
    if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  renameSync(path, `${path}.1`);
  writeFileSync(path, "");
}

function read(from: LogPosition | null = null) {
  const ended = new AbortController();
  const signal = new AbortController();
  const texts: string[] = [];
  const done = (async () => {
    for await (const line of followLog(path, { from, ended: ended.signal, signal: signal.signal }))
      texts.push(line.gapBytes === undefined ? line.text : "<gap>");
  })();
  return { texts, end: () => (ended.abort(), done), abort: () => (signal.abort(), done) };
}

test("reads what is there and what comes, across pieces of an entry", async () => {
  writeFileSync(path, entry("one"));
  const reader = read();
  appendFileSync(path, entry("two").slice(0, 20));
  await sleep(20);
  appendFileSync(path, entry("two").slice(20));
  await reader.end();
  expect(reader.texts).toEqual(["one", "two"]);
});

test("begins at a position, also when that file was rotated since", async () => {
  writeFileSync(path, entry("of the run before"));
  const position = logEnd(path);
  appendFileSync(path, entry("mine"));
  rotate(3);
  appendFileSync(path, entry("mine too"));
  const reader = read(position);
  await reader.end();
  expect(reader.texts).toEqual(["mine", "mine too"]);
});

test("a log that does not exist yet is waited for", async () => {
  const reader = read();
  await sleep(20);
  writeFileSync(path, entry("first"));
  await sleep(20);
  await reader.end();
  expect(reader.texts).toEqual(["first"]);
});

test("no line is lost or doubled over many rotations while it reads", async () => {
  writeFileSync(path, "");
  const reader = read();
  const written: string[] = [];
  for (let round = 0; round < 40; round += 1) {
    for (let line = 0; line < 50; line += 1) {
      written.push(`${round}-${line}`);
      appendFileSync(path, entry(`${round}-${line}`));
    }
    await sleep(2);
    rotate(50);
  }
  await reader.end();
  expect(reader.texts).toEqual(written);
});

test("files that were rotated away before they could be read leave a gap that is told", async () => {
  writeFileSync(path, entry("old"));
  const position = logEnd(path);
  for (let round = 0; round < 4; round += 1) {
    rotate(2);
    appendFileSync(path, entry(`round ${round}`));
  }
  const reader = read(position);
  await reader.end();
  expect(reader.texts).toEqual(["<gap>", "round 1", "round 2", "round 3"]);
});

test("nothing is skipped that is looked for in the midst of a rotation", async () => {
  writeFileSync(path, entry("one"));
  const reader = read();
  await sleep(20);
  rotate(5);
  appendFileSync(path, entry("two"));
  rotate(5);
  appendFileSync(path, entry("three"));
  // The supervisor moves the oldest first, and the next one a moment later.
  renameSync(`${path}.2`, `${path}.3`);
  renameSync(`${path}.1`, `${path}.2`);
  await reader.end();
  expect(reader.texts).toEqual(["one", "two", "three"]);
});

test("an abort ends a follower at once and leaves no descriptor", async () => {
  writeFileSync(path, entry("one"));
  const before = readdirSync("/proc/self/fd").length;
  const reader = read();
  await sleep(20);
  await reader.abort();
  expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
});

test("pieces of long lines are put together by stream; what is no entry is left out", () => {
  const joiner = new LineJoiner();
  const bytes = Buffer.from(
    entry("a", "P") +
      entry("x", "P", "stderr") +
      entry("b", "F") +
      "torn\n" +
      entry("y", "F", "stderr") +
      entry("", "F"),
  );
  const lines = [...bytes].flatMap((byte) => joiner.take(Uint8Array.of(byte)));
  expect(lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual(["stdout ab", "stderr xy", "stdout "]);
});
