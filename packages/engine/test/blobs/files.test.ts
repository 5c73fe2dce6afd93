import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FileBlobStore, isEngineError } from "../../src/index.ts";
import { namesIn, scratch } from "../scratch.ts";

const run = promisify(execFile);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function read(store: FileBlobStore, sha256: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of (await store.get(sha256))?.bytes ?? []) parts.push(part);
  return Buffer.concat(parts).toString();
}

test("blobs outlive the store object, and partial uploads of a crash do not", async () => {
  const directory = scratch();
  const { sha256 } = await new FileBlobStore({ directory }).put(bytes("kept"));
  writeFileSync(join(directory, "partial", "1-1"), "half");
  const store = new FileBlobStore({ directory });
  expect(await read(store, sha256)).toBe("kept");
  expect((await store.usage()).bytes).toBe(4);
  expect(namesIn(join(directory, "partial"))).toEqual([]);
});

test("what is put again is kept again where somebody has deleted all of it", async () => {
  const directory = scratch();
  const store = new FileBlobStore({ directory });
  const { sha256 } = await store.put(bytes("kept"));
  rmSync(directory, { recursive: true });
  expect(await store.has(sha256)).toBe(null);
  await store.put(bytes("kept"));
  expect(await read(store, sha256)).toBe("kept");
});

test("a damaged blob is reported when it is read, and putting it again mends it", async () => {
  const directory = scratch();
  const store = new FileBlobStore({ directory });
  const { sha256 } = await store.put(bytes("good bytes"));
  const path = store.pathOf(sha256);
  expect(statSync(path).mode & 0o222).toBe(0);
  chmodSync(path, 0o644);
  writeFileSync(path, "bad! bytes");
  await assert.rejects(read(store, sha256), (error: unknown) => isEngineError(error, "corrupt"));
  await store.put(bytes("good bytes"));
  expect(await read(store, sha256)).toBe("good bytes");
  expect(readFileSync(path, "utf8")).toBe("good bytes");
});

test("foreign names in the directory are neither listed nor collected", async () => {
  const directory = scratch();
  const store = new FileBlobStore({ directory });
  await store.put(bytes("x"));
  mkdirSync(join(directory, "aa"), { recursive: true });
  writeFileSync(join(directory, "aa", "notes.txt"), "mine");
  writeFileSync(join(directory, "README"), "mine");
  expect(await store.collect(new Set(), { graceMs: -60_000 })).toEqual({ blobs: 1, bytes: 1 });
  expect(namesIn(join(directory, "aa"))).toContain("notes.txt");
});

test("a directory that cannot be written is worded", async () => {
  const directory = join(scratch(), "file");
  writeFileSync(directory, "");
  await assert.rejects(
    new FileBlobStore({ directory }).put(bytes("x")),
    (error: unknown) => isEngineError(error, "unavailable") && error.message.includes(directory),
  );
});

test("a blob that the disk took only in part is refused, and nothing of it stays", async () => {
  const directory = scratch();
  const program = fileURLToPath(new URL("../fixtures/blob-putter.mjs", import.meta.url));
  // A bound on the size of files is to a program what a full disk is: a part is taken, and only the next write fails.
  const script = `trap '' XFSZ; ulimit -f 1000; exec "$0" "$@"`;
  const { stdout } = await run("sh", ["-c", script, process.execPath, program, directory, "900000"]);
  expect(JSON.parse(stdout)).toEqual({ code: "unavailable", listed: [], usedBytes: 0 });
  expect(namesIn(join(directory, "partial"))).toEqual([]);
});

test("uploads at once never pass the quota together", async () => {
  const store = new FileBlobStore({ directory: scratch(), quotaBytes: 1000 });
  const upload = async (index: number): Promise<unknown> => {
    await pause(index % 10);
    return store.put(
      (async function* () {
        yield Buffer.alloc(200, index);
        await pause(index % 4);
        yield Buffer.alloc(200, index + 100);
      })(),
    );
  };
  const ended = await Promise.allSettled(Array.from({ length: 60 }, (_, index) => upload(index)));
  expect((await store.usage()).bytes).toBeLessThanOrEqual(1000);
  for (const end of ended) if (end.status === "rejected") expect(isEngineError(end.reason, "too-large")).toBe(true);
  // What was refused or has become a blob reserves nothing any more.
  for await (const { sha256 } of store.list()) await store.delete(sha256);
  await store.put(Buffer.alloc(1000));
});

test("a store that could not be counted once is counted when it can be", async () => {
  const directory = join(scratch(), "blobs");
  writeFileSync(directory, "");
  const store = new FileBlobStore({ directory });
  await assert.rejects(store.put(bytes("x")), (error: unknown) => isEngineError(error, "unavailable"));
  rmSync(directory);
  await store.put(bytes("x"));
  expect(await store.usage()).toMatchObject({ blobs: 1, bytes: 1 });
});

test("a blob that is left before its first byte keeps no file open", async () => {
  const directory = scratch();
  const store = new FileBlobStore({ directory });
  const { sha256 } = await store.put(bytes("kept"));
  const openFiles = (): string[] =>
    readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(directory) ? [target] : [];
      } catch {
        return [];
      }
    });
  const left = (await store.get(sha256))?.bytes[Symbol.asyncIterator]();
  expect(openFiles()).toHaveLength(1);
  await left?.return?.();
  await left?.return?.();
  expect(await left?.next()).toEqual({ done: true, value: undefined });
  expect(openFiles()).toEqual([]);
  for await (const part of (await store.get(sha256))?.bytes ?? []) {
    expect(Buffer.from(part).toString()).toBe("kept");
    break;
  }
  expect(openFiles()).toEqual([]);
});

test("a closed store refuses", async () => {
  const store = new FileBlobStore({ directory: scratch() });
  await store.close();
  await assert.rejects(store.put(bytes("x")), (error: unknown) => isEngineError(error, "closed"));
});

test("what was stored of an upload is not kept until its end", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const before = process.memoryUsage().arrayBuffers;
  let kept = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 32; at += 1) yield await Promise.resolve(new Uint8Array(1_000_000).fill(at));
    // What is under way ends meanwhile, and V8 frees such memory in a thread of its own.
    for (let tries = 0; tries < 100 && (tries === 0 || kept >= 8_000_000); tries += 1) {
      await pause(50);
      collect();
      kept = process.memoryUsage().arrayBuffers - before;
    }
  }
  await new FileBlobStore({ directory: scratch() }).put(pieces());
  expect(kept).toBeLessThan(8_000_000);
});
