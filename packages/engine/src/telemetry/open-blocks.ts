import { BlockEncoder } from "./block.ts";

/** A block as it shall be written. */
export interface DirtyBlock {
  readonly series: string;
  readonly baseMs: number;
  readonly points: Uint8Array;
}

interface OpenBlock {
  encoder: BlockEncoder;
  dirty: boolean;
}

const minuteMs = 60_000;
/** More series at once than a node of a thousand instances has. */
const maxSeries = 20_000;

/** The blocks of the running minute, one for each series, and full ones that wait to be written. */
export class OpenBlocks {
  readonly #open = new Map<string, OpenBlock>();
  #full: DirtyBlock[] = [];
  #dirty = 0;

  /** Whether there is something that was not written. */
  get isDirty(): boolean {
    return this.#dirty > 0 || this.#full.length > 0;
  }

  has(series: string): boolean {
    return this.#open.has(series);
  }

  /** False when the sample cannot be taken: it is older than the one before, or there are too many series. */
  add(series: string, atMs: number, value: number): boolean {
    let block = this.#open.get(series);
    if (block === undefined) {
      if (this.#open.size >= maxSeries) return false;
      block = { encoder: new BlockEncoder(atMs), dirty: false };
      this.#open.set(series, block);
    }
    if (atMs < block.encoder.lastMs) return false;
    if (atMs >= endOf(block)) this.#begin(series, block, atMs);
    block.encoder.add(atMs, value);
    if (!block.dirty) this.#dirty += 1;
    block.dirty = true;
    return true;
  }

  get names(): Iterable<string> {
    return this.#open.keys();
  }

  /** The series' blocks that differ from what is stored, oldest first. */
  unwritten(series: string): DirtyBlock[] {
    const blocks = this.#full.filter((block) => block.series === series);
    const open = this.#open.get(series);
    if (open?.dirty === true) blocks.push({ series, baseMs: open.encoder.baseMs, points: open.encoder.bytes() });
    return blocks;
  }

  /** Up to `count` blocks to be written: the full ones, and those of minutes before `openSinceMs`. */
  dirty(openSinceMs: number, count: number): DirtyBlock[] {
    const blocks = this.#full.slice(0, count);
    if (this.#dirty === 0) return blocks;
    for (const [series, block] of this.#open) {
      if (blocks.length >= count) break;
      const { encoder, dirty } = block;
      if (!dirty || endOf(block) > openSinceMs) continue;
      blocks.push({ series, baseMs: encoder.baseMs, points: encoder.bytes() });
    }
    return blocks;
  }

  /** Says that the blocks were written; forgets series that had no sample for two minutes. */
  written(blocks: readonly DirtyBlock[], nowMs: number): void {
    const full = new Set(this.#full);
    for (const block of blocks) {
      if (full.delete(block)) continue;
      const open = this.#open.get(block.series);
      if (open?.dirty !== true || open.encoder.baseMs !== block.baseMs) continue;
      open.dirty = false;
      this.#dirty -= 1;
    }
    this.#full = [...full];
    for (const [series, { encoder, dirty }] of this.#open) {
      if (!dirty && encoder.lastMs < nowMs - 2 * minuteMs) this.#open.delete(series);
    }
  }

  // A block is named by its first sample, not by its minute: after a restart the minute gets a second block.
  #begin(series: string, block: OpenBlock, atMs: number): void {
    if (block.dirty) {
      this.#full.push({ series, baseMs: block.encoder.baseMs, points: block.encoder.bytes() });
      this.#dirty -= 1;
      block.dirty = false;
    }
    block.encoder = new BlockEncoder(atMs);
  }
}

function endOf({ encoder }: OpenBlock): number {
  return (Math.floor(encoder.baseMs / minuteMs) + 1) * minuteMs;
}
