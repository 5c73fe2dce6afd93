import { BlockEncoder } from "./block.ts";

/** A block as it shall be written. */
export interface DirtyBlock {
  readonly series: string;
  readonly baseMs: number;
  readonly points: Uint8Array;
}

interface FullBlock extends DirtyBlock {
  readonly count: number;
}

interface OpenBlock {
  encoder: BlockEncoder;
  dirty: boolean;
}

const minuteMs = 60_000;
/** More series at once than a node of a thousand instances has. */
const maxSeries = 20_000;
/** Full blocks that wait for a disk that takes nothing: some 10 MB. */
const maxFull = 20_000;

/** The blocks of the running minute, one for each series, and full ones that wait to be written. */
export class OpenBlocks {
  readonly #open = new Map<string, OpenBlock>();
  #full: FullBlock[] = [];
  #dirty = 0;
  /** Samples in blocks that could not be written and waited too long. */
  lostSamples = 0;

  /** Whether there is something that was not written. */
  get isDirty(): boolean {
    return this.#dirty > 0 || this.#full.length > 0;
  }

  has(series: string): boolean {
    return this.#open.has(series);
  }

  /** False when the sample cannot be taken: it is a little older than the one before, or there are too many series. */
  add(series: string, atMs: number, value: number): boolean {
    let block = this.#open.get(series);
    if (block === undefined) {
      if (this.#open.size >= maxSeries) return false;
      block = { encoder: new BlockEncoder(atMs), dirty: false };
      this.#open.set(series, block);
    }
    const behindMs = block.encoder.lastMs - atMs;
    if (behindMs > 0 && behindMs < minuteMs) return false;
    // Far behind: the clock was set back, and would take that long to come to where it was.
    if (behindMs >= minuteMs || atMs >= endOf(block)) this.#begin(series, block, atMs);
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
    const blocks: DirtyBlock[] = this.#full.filter((block) => block.series === series);
    const open = this.#open.get(series);
    if (open?.dirty === true) blocks.push({ series, baseMs: open.encoder.baseMs, points: open.encoder.bytes() });
    return blocks;
  }

  /** Up to `count` blocks to be written: the full ones, and those of minutes before `openSinceMs`. */
  dirty(openSinceMs: number, count: number): DirtyBlock[] {
    const blocks: DirtyBlock[] = this.#full.slice(0, count);
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
    const full = new Set<DirtyBlock>(this.#full);
    for (const block of blocks) {
      if (full.delete(block)) continue;
      const open = this.#open.get(block.series);
      if (open?.dirty !== true || open.encoder.baseMs !== block.baseMs) continue;
      open.dirty = false;
      this.#dirty -= 1;
    }
    this.#full = this.#full.filter((block) => full.has(block));
    for (const [series, { encoder, dirty }] of this.#open) {
      if (!dirty && encoder.lastMs < nowMs - 2 * minuteMs) this.#open.delete(series);
    }
  }

  // A block is named by its first sample, not by its minute: after a restart the minute gets a second block.
  #begin(series: string, block: OpenBlock, atMs: number): void {
    if (block.dirty) {
      const { baseMs, count } = block.encoder;
      this.#full.push({ series, baseMs, count, points: block.encoder.bytes() });
      if (this.#full.length > maxFull) this.lostSamples += this.#full.shift()?.count ?? 0;
      this.#dirty -= 1;
      block.dirty = false;
    }
    block.encoder = new BlockEncoder(atMs);
  }
}

function endOf({ encoder }: OpenBlock): number {
  return (Math.floor(encoder.baseMs / minuteMs) + 1) * minuteMs;
}
