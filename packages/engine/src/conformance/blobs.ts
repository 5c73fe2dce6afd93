import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { BlobContent, BlobStore } from "../blobs/blob-store.ts";
import { type EngineErrorCode, isEngineError } from "../error.ts";
import { caseOver, type Opened, randomFrom, type Runner, utf8 } from "./runner.ts";

/** A blob store under test, with a quota of {@link blobQuotaBytes}. */
export interface BlobSubject extends Opened {
  readonly store: BlobStore;
  /** Lets time pass. */
  readonly passMs: (ms: number) => Promise<void>;
}

/** The quota that the store under test must have. */
export const blobQuotaBytes = 4 * 1024 * 1024;

/** Registers every case that a blob store must pass. */
export function blobConformance(runner: Runner, open: () => Promise<BlobSubject>): void {
  const check = caseOver(runner, open);

  check("what was put is got by its hash, once stored however often put", async ({ store }) => {
    const first = await store.put(utf8.of("hello"));
    assert.deepEqual([first.sha256, first.sizeBytes], [sha256(utf8.of("hello")), 5]);
    await Promise.all([
      store.put(utf8.of("hello")),
      store.put(pieces([utf8.of("hel"), new Uint8Array(), utf8.of("lo")])),
    ]);
    assert.equal(utf8.text(await bytesOf(await store.get(first.sha256))), "hello");
    assert.equal((await listed(store)).length, 1);
    const { blobs, bytes } = await store.usage();
    assert.deepEqual([blobs, bytes], [1, 5]);
  });

  check("the empty blob is one", async ({ store }) => {
    const { sha256: hash, sizeBytes } = await store.put(new Uint8Array());
    assert.equal(sizeBytes, 0);
    assert.equal((await bytesOf(await store.get(hash))).byteLength, 0);
  });

  check("random contents come back, whole and in ranges", async ({ store }) => {
    const random = randomFrom(11);
    for (let round = 0; round < 12; round += 1) {
      const content = Buffer.from(Array.from({ length: random(round < 10 ? 3000 : 700_000) }, () => random(256)));
      const cut = random(content.byteLength + 1);
      const { sha256: hash } = await store.put(pieces([content.subarray(0, cut), content.subarray(cut)]));
      assert.equal(Buffer.compare(await bytesOf(await store.get(hash)), content), 0);
      const [start, end] = [random(content.byteLength + 1), random(content.byteLength + 1)].sort((a, b) => a - b);
      const part = await store.get(hash, { range: { start: start ?? 0, end: end ?? 0 } });
      assert.equal(part?.sizeBytes, content.byteLength);
      assert.equal(Buffer.compare(await bytesOf(part), content.subarray(start, end)), 0);
      const rest = await store.get(hash, { range: { start: start ?? 0 } });
      assert.equal(Buffer.compare(await bytesOf(rest), content.subarray(start)), 0);
      await store.delete(hash);
    }
  });

  check("what is not there is null, and deleting it says so", async ({ store }) => {
    const absent = sha256(utf8.of("absent"));
    assert.equal(await store.get(absent), null);
    assert.equal(await store.has(absent), null);
    assert.equal(await store.delete(absent), false);
    const { sha256: hash } = await store.put(utf8.of("x"));
    assert.equal((await store.has(hash))?.sizeBytes, 1);
    assert.equal(await store.delete(hash), true);
    assert.equal(await store.has(hash), null);
    assert.equal((await store.usage()).bytes, 0);
  });

  check("malformed names and ranges are refused", async ({ store }) => {
    const { sha256: hash } = await store.put(utf8.of("hello"));
    for (const name of ["", "x", "../../../etc/passwd", hash.toUpperCase(), `${hash}0`, `${hash.slice(1)}/`]) {
      await refused(store.get(name), "bad-key");
      await refused(store.has(name), "bad-key");
      await refused(store.delete(name), "bad-key");
      await refused(store.put(utf8.of("hello"), { sha256: name }), "bad-key");
    }
    for (const range of [{ start: -1 }, { start: 6 }, { start: 3, end: 2 }, { start: 0, end: 6 }, { start: 0.5 }]) {
      await assert.rejects(store.get(hash, { range }), RangeError);
    }
  });

  check("bytes that are not what was announced are refused", async ({ store }) => {
    const wanted = sha256(utf8.of("right"));
    await refused(store.put(utf8.of("wrong"), { sha256: wanted }), "corrupt");
    assert.deepEqual(await listed(store), []);
    await store.put(utf8.of("right"), { sha256: wanted });
  });

  check("a source may fill one buffer again and again", async ({ store }) => {
    const { sha256: hash } = await store.put(refilled("abcdef"));
    assert.equal(utf8.text(await bytesOf(await store.get(hash))), "abcdef");
  });

  check("nothing is left of an upload that fails or is aborted", async ({ store }) => {
    await assert.rejects(store.put(pieces([utf8.of("some")], new Error("line cut"))), /line cut/);
    const abort = new AbortController();
    const aborted = store.put(
      pieces([utf8.of("some")], undefined, () => abort.abort(new Error("enough"))),
      { signal: abort.signal },
    );
    await assert.rejects(aborted, /enough/);
    const silent = new AbortController();
    const waiting = store.put(silentAfter(utf8.of("some")), { signal: silent.signal });
    setTimeout(() => silent.abort(new Error("too long")), 20);
    await assert.rejects(waiting, /too long/);
    assert.deepEqual(await listed(store), []);
    assert.equal((await store.usage()).bytes, 0);
  });

  check("the quota holds, also against uploads at once, and room comes back", async ({ store }) => {
    const part = (fill: number): Uint8Array => new Uint8Array(blobQuotaBytes / 4).fill(fill);
    const ended = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((fill) => store.put(part(fill))));
    for (const end of ended) if (end.status === "rejected") assert.ok(isEngineError(end.reason, "too-large"));
    const { bytes } = await store.usage();
    assert.ok(bytes <= blobQuotaBytes && bytes >= blobQuotaBytes / 4, `${bytes} bytes are stored`);
    for (const { sha256: hash } of await listed(store)) await store.delete(hash);
    await store.put(new Uint8Array(blobQuotaBytes));
    await refused(store.put(utf8.of("one more")), "too-large");
  });

  check("garbage collection takes what is neither live nor young", async ({ store, passMs }) => {
    const [live, dead, renewed] = [
      await store.put(utf8.of("live")),
      await store.put(utf8.of("dead")),
      await store.put(utf8.of("again")),
    ];
    await passMs(60_000);
    await store.put(utf8.of("again"));
    const young = await store.put(utf8.of("young"));
    const collected = await store.collect(new Set([live.sha256]), { graceMs: 30_000 });
    assert.deepEqual(collected, { blobs: 1, bytes: dead.sizeBytes });
    const left = (await listed(store)).map(({ sha256: hash }) => hash);
    assert.deepEqual(left.sort(), [live.sha256, renewed.sha256, young.sha256].sort());
  });

  check("a reader that has begun reads on after the blob was deleted", async ({ store }) => {
    const content = new Uint8Array(1_000_000).fill(5);
    const { sha256: hash } = await store.put(content);
    const reading = await store.get(hash);
    await store.delete(hash);
    assert.equal(Buffer.compare(await bytesOf(reading), content), 0);
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function* refilled(text: string): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(1);
  for (const letter of text) {
    buffer.write(letter);
    yield buffer;
  }
}

/** A source that gives one piece, and then nothing and no end. */
async function* silentAfter(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part;
  await new Promise(() => undefined);
}

async function* pieces(
  parts: readonly Uint8Array[],
  error?: Error,
  then?: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts;
  then?.();
  if (error !== undefined) throw error;
}

async function bytesOf(content: BlobContent | null): Promise<Buffer> {
  assert.notEqual(content, null, "the blob is not there");
  const parts: Uint8Array[] = [];
  for await (const bytes of content?.bytes ?? []) parts.push(bytes);
  return Buffer.concat(parts);
}

async function listed(store: BlobStore): Promise<{ sha256: string; sizeBytes: number }[]> {
  const found = [];
  for await (const info of store.list()) found.push(info);
  return found;
}

async function refused(call: Promise<unknown>, code: EngineErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}
