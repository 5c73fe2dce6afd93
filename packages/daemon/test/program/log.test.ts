import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const library = new URL("../../dist/log.js", import.meta.url).href;
const maxBytes = 2000;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "daemon-log-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a hundred lines in a process whose standard error leads to `file`, bound to that of the name `path`. */
function writeLines(file: string, path: string): void {
  const program = `import { boundLog, log } from ${JSON.stringify(library)};
    boundLog(${JSON.stringify(path)}, ${maxBytes});
    for (let at = 0; at < 100; at += 1) log("line " + at + " " + "x".repeat(90));`;
  const words = ["-c", 'exec "$0" --input-type=module -e "$1" 2>>"$2"', process.execPath, program, file];
  execFileSync("/bin/sh", words);
}

test("has a bound, and one older file beside it; no line is cut", () => {
  const path = join(folder, "daemon.log");
  writeLines(path, path);
  expect(statSync(path).size).toBeLessThan(maxBytes + 110);
  expect(statSync(`${path}.1`).size).toBeLessThan(maxBytes + 110);
  const lines = `${readFileSync(`${path}.1`, "utf8")}${readFileSync(path, "utf8")}`.trimEnd().split("\n");
  const numbers = lines.map((line) => Number(/^line (\d+) x{90}$/.exec(line)?.[1]));
  expect(numbers).toEqual(numbers.map((_, at) => 100 - numbers.length + at));
  expect(numbers.length).toBeGreaterThan(15);
});

test("is left alone where it leads elsewhere", () => {
  const path = join(folder, "daemon.log");
  writeLines(join(folder, "other"), path);
  expect(statSync(join(folder, "other")).size).toBeGreaterThan(4 * maxBytes);
  writeLines(path, join(folder, "other"));
  expect(statSync(path).size).toBeGreaterThan(4 * maxBytes);
  expect([`${path}.1`, join(folder, "other.1")].filter((each) => existsSync(each))).toEqual([]);
});
