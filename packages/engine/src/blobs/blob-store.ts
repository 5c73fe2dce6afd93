/** A stored blob. */
export interface BlobInfo {
  /** SHA-256 of its bytes, 64 lower-case hexadecimal digits: its name. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** When it was last put; garbage collection spares younger ones. */
  readonly storedAtMs: number;
}

/** What a blob is made of; Node and web streams are async iterables, too. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutOptions {
  /** The hash that the bytes must have. */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
}

/** Part of a blob: from `start` up to but without `end`. */
export interface BlobRange {
  readonly start: number;
  /** @default the blob's end */
  readonly end?: number;
}

export interface GetOptions {
  /** @default everything, which is then checked against the hash as it is read */
  readonly range?: BlobRange;
  readonly signal?: AbortSignal;
}

/** A blob being read. */
export interface BlobContent {
  /** Size of the whole blob, also when a range is read. */
  readonly sizeBytes: number;
  /** The bytes: iterate them once, the file is open until the loop ends or is left. @throws EngineError `corrupt` at the end when they do not have the blob's hash */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface BlobUsage {
  readonly blobs: number;
  readonly bytes: number;
  /** Infinity when there is none. */
  readonly quotaBytes: number;
}

export interface Collected {
  readonly blobs: number;
  readonly bytes: number;
}

/** Files by content: the same bytes are stored once, under their SHA-256. */
export interface BlobStore {
  /**
   * Stores the bytes; they are durable when it resolves, and nothing is left of them when it fails.
   * @throws EngineError `corrupt` (not the hash that was announced), `too-large` (quota), `bad-key`, `unavailable`, `closed`
   */
  put(source: BlobSource, options?: PutOptions): Promise<BlobInfo>;
  /** The blob, or null when it is not there. @throws EngineError `bad-key`, `unavailable`, `closed`; RangeError for a range outside it */
  get(sha256: string, options?: GetOptions): Promise<BlobContent | null>;
  has(sha256: string): Promise<BlobInfo | null>;
  /** Removes it; false when it was not there. Readers that have begun read on. */
  delete(sha256: string): Promise<boolean>;
  list(): AsyncIterable<BlobInfo>;
  /** Removes every blob that is not live and was last put more than `graceMs` ago. */
  collect(live: ReadonlySet<string>, options: { readonly graceMs: number }): Promise<Collected>;
  usage(): Promise<BlobUsage>;
}

/** A blob store together with what only its owner may do. */
export interface OwnedBlobStore extends BlobStore {
  close(): Promise<void>;
}
