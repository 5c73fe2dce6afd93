import { ConstellationError } from "@constellation/contract";
import { type Expectation, stateLimits, type Txn, type Write } from "@constellation/engine";
import { encode } from "./codec.ts";
import { formatKey, type RecordKey } from "./keys.ts";
import type { Mirror, Written } from "./mirror.ts";
import type { RecordOf } from "./records.ts";

// Room under the store's own limit for what the store adds.
const keysPerTransaction = 100;

/** Changes to be written together; each expects the key as the mirror shows it now, so that nobody's change is overwritten unseen. */
export class Edit {
  readonly #mirror: Mirror;
  readonly #changes: { readonly expect: Expectation; readonly value: Uint8Array | null }[] = [];
  readonly #written = new Map<string, Written>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  /** @throws ConstellationError `spec.too-large` */
  put<Kind extends keyof RecordOf>(key: RecordKey & { kind: Kind }, record: RecordOf[Kind]): this {
    const name = formatKey(key);
    const value = encode(record);
    if (value.byteLength > stateLimits.valueBytes)
      throw new ConstellationError(
        "spec.too-large",
        `Cannot keep ${name}: it has ${value.byteLength} bytes, at most ${stateLimits.valueBytes} fit`,
        { remedy: "Move large values out of the spec, for example into a file in the app's folder." },
      );
    this.#changes.push({ expect: { key: name, rev: this.#mirror.revOf(key) }, value });
    this.#written.set(name, { key, record, value });
    return this;
  }

  /** The records put, by key, with their stored form. */
  get written(): ReadonlyMap<string, Written> {
    return this.#written;
  }

  /** Nothing happens when the key does not exist. */
  delete(key: RecordKey): this {
    const rev = this.#mirror.revOf(key);
    if (rev !== 0) this.#changes.push({ expect: { key: formatKey(key), rev }, value: null });
    return this;
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  /** The transactions to apply in order: one, unless it is more than a store takes at once. */
  transactions(): Txn[] {
    const txns: { expect: Expectation[]; put: Write[]; del: string[]; bytes: number }[] = [];
    for (const { expect, value } of this.#changes) {
      const bytes = value?.byteLength ?? 0;
      let last = txns.at(-1);
      if (last === undefined || last.expect.length >= keysPerTransaction || last.bytes + bytes > stateLimits.txnBytes) {
        last = { expect: [], put: [], del: [], bytes: 0 };
        txns.push(last);
      }
      last.expect.push(expect);
      last.bytes += bytes;
      if (value === null) last.del.push(expect.key);
      else last.put.push({ key: expect.key, value });
    }
    return txns.map(({ expect, put, del }) => ({ expect, put, del }));
  }
}
