import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { FileLogStore, isEngineError } from "../../src/index.ts";
import { formatTime } from "../../src/logs/cri.ts";
import { scratch } from "../scratch.ts";

const run = promisify(execFile);

async function read(store: FileLogStore): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of store.query({})) texts.push(entry.kind === "line" ? entry.text : "gap");
  return texts;
}

test("a folder that was removed under a writer costs nobody's file, and is made again", async () => {
  const directory = scratch();
  const store = new FileLogStore({ directory, maxFileBytes: 200 });
  const append = (text: string): Promise<void> => store.append("a", [{ stream: "stdout", text }]);
  await append("x".repeat(100));
  rmSync(join(directory, "a"), { recursive: true });
  await assert.rejects(append("y".repeat(100)), (error: unknown) => isEngineError(error, "unavailable"));
  // Gets the number that the writer's file had.
  const path = join(directory, "precious");
  const precious = openSync(path, "w");
  await append("z".repeat(100));
  await append("z".repeat(100));
  closeSync(precious);
  expect(readFileSync(path, "utf8")).toBe("");
  expect(await read(store)).toEqual(["z".repeat(100), "z".repeat(100)]);
  await store.close();
});

test("a line that was torn by a crash or by a full disk takes no other with it", async () => {
  const directory = scratch();
  mkdirSync(join(directory, "a"));
  const head = `${formatTime(1)} stdout F`;
  writeFileSync(join(directory, "a", "log"), `${head} one\n${head} to`);
  const store = new FileLogStore({ directory });
  await store.append("a", [{ stream: "stdout", text: "next" }]);
  expect(await read(store)).toEqual(["one", "to", "next"]);
  await store.close();
});

test("reading that runs out of descriptors gives back those that it had", async () => {
  const directory = scratch();
  mkdirSync(join(directory, "a"));
  for (const name of ["log", "log.1"]) writeFileSync(join(directory, "a", name), `${formatTime(1)} stdout F one\n`);
  const program = fileURLToPath(new URL("../fixtures/starved-reader.mjs", import.meta.url));
  const { stdout } = await run("sh", ["-c", `ulimit -n 200; exec "$0" "$@"`, process.execPath, program, directory]);
  expect(JSON.parse(stdout)).toEqual({ failed: ["unavailable", "unavailable"], held: 0 });
});
