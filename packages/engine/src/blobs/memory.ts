import { createHash } from "node:crypto";
import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import type {
  BlobContent,
  BlobInfo,
  BlobSource,
  BlobUsage,
  Collected,
  GetOptions,
  OwnedBlobStore,
  PutOptions,
} from "./blob-store.ts";
import { checkHash, resolvedRange, wrongHash } from "./hash.ts";
import { piecesOf } from "./pieces.ts";
import { Quota } from "./quota.ts";

interface Stored extends BlobInfo {
  readonly content: Buffer;
}

/** Blobs in memory, with the semantics of the others. */
export class MemoryBlobStore implements OwnedBlobStore {
  readonly #clock: EngineClock;
  readonly #quota: Quota;
  readonly #stored = new Map<string, Stored>();
  #closed = false;

  constructor({
    clock = systemClock,
    quotaBytes = Infinity,
  }: { readonly clock?: EngineClock; readonly quotaBytes?: number } = {}) {
    this.#clock = clock;
    this.#quota = new Quota(quotaBytes);
  }

  async put(source: BlobSource, { sha256: wanted, signal }: PutOptions = {}): Promise<BlobInfo> {
    if (wanted !== undefined) checkHash(wanted);
    this.#checkOpen("store a blob");
    const pieces: Buffer[] = [];
    let reservedBytes = 0;
    try {
      for await (const piece of piecesOf(source, signal)) {
        this.#quota.reserve(piece.byteLength);
        reservedBytes += piece.byteLength;
        pieces.push(Buffer.from(piece));
      }
      signal?.throwIfAborted();
    } finally {
      this.#quota.release(reservedBytes);
    }
    const content = Buffer.concat(pieces);
    const sha256 = createHash("sha256").update(content).digest("hex");
    if (wanted !== undefined && wanted !== sha256) throw wrongHash("store", wanted, sha256);
    this.#checkOpen("store a blob");
    if (!this.#stored.has(sha256)) this.#quota.added(content.byteLength);
    const stored = { sha256, sizeBytes: content.byteLength, storedAtMs: this.#clock.wallMs(), content };
    this.#stored.set(sha256, stored);
    return infoOf(stored);
  }

  async get(sha256: string, { range, signal }: GetOptions = {}): Promise<BlobContent | null> {
    checkHash(sha256);
    signal?.throwIfAborted();
    this.#checkOpen("read a blob");
    const stored = this.#stored.get(sha256);
    if (stored === undefined) return null;
    const { start, end } = resolvedRange(stored.sizeBytes, range);
    return { sizeBytes: stored.sizeBytes, bytes: slices(stored.content.subarray(start, end), signal) };
  }

  async has(sha256: string): Promise<BlobInfo | null> {
    checkHash(sha256);
    this.#checkOpen("look for a blob");
    const stored = this.#stored.get(sha256);
    return stored === undefined ? null : infoOf(stored);
  }

  async delete(sha256: string): Promise<boolean> {
    checkHash(sha256);
    this.#checkOpen("delete a blob");
    const stored = this.#stored.get(sha256);
    if (stored === undefined) return false;
    this.#stored.delete(sha256);
    this.#quota.removed(stored.sizeBytes);
    return true;
  }

  async *list(): AsyncGenerator<BlobInfo, void, undefined> {
    this.#checkOpen("list blobs");
    for (const stored of this.#stored.values()) yield infoOf(stored);
  }

  async collect(live: ReadonlySet<string>, { graceMs }: { readonly graceMs: number }): Promise<Collected> {
    const collected = { blobs: 0, bytes: 0 };
    const beforeMs = this.#clock.wallMs() - graceMs;
    for (const { sha256, sizeBytes, storedAtMs } of this.#stored.values()) {
      if (live.has(sha256) || storedAtMs >= beforeMs || !(await this.delete(sha256))) continue;
      collected.blobs += 1;
      collected.bytes += sizeBytes;
    }
    return collected;
  }

  async usage(): Promise<BlobUsage> {
    const { blobs, bytes, quotaBytes } = this.#quota;
    return { blobs, bytes, quotaBytes };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(attempted: string): void {
    if (this.#closed) throw new EngineError("closed", `Cannot ${attempted}: the blob store was closed`);
  }
}

function infoOf({ sha256, sizeBytes, storedAtMs }: Stored): BlobInfo {
  return { sha256, sizeBytes, storedAtMs };
}

async function* slices(content: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < content.byteLength; start += 64 * 1024) {
    signal?.throwIfAborted();
    yield new Uint8Array(content.subarray(start, start + 64 * 1024));
  }
}
