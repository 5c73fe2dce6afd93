import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileBlobStore, isEngineError } from "../../src/index.ts";
import { namesIn, scratch } from "../scratch.ts";

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

test("a closed store refuses", async () => {
  const store = new FileBlobStore({ directory: scratch() });
  await store.close();
  await assert.rejects(store.put(bytes("x")), (error: unknown) => isEngineError(error, "closed"));
});
