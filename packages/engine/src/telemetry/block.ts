/** Samples of one series within one minute, packed. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

const integerTag = 0xff;

/**
 * Packs points of rising time: differences of times as variable-length integers; values as differences when both are
 * whole numbers, else as the bytes in which they differ from the one before (the idea of Facebook's Gorilla,
 * http://www.vldb.org/pvldb/vol8/p1816-teller.pdf, by bytes instead of bits).
 */
export class BlockEncoder {
  readonly #baseMs: number;
  #bytes = new Uint8Array(64);
  #length = 0;
  #count = 0;
  #lastMs: number;
  #lastValue = 0;
  readonly #view = new DataView(new ArrayBuffer(16));

  constructor(baseMs: number) {
    this.#baseMs = baseMs;
    this.#lastMs = baseMs;
  }

  get baseMs(): number {
    return this.#baseMs;
  }

  /** How many points were added. */
  get count(): number {
    return this.#count;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  add(atMs: number, value: number): void {
    this.#varint(atMs - this.#lastMs);
    this.#lastMs = atMs;
    if (isWhole(value) && isWhole(this.#lastValue)) {
      this.#byte(integerTag);
      const difference = value - this.#lastValue;
      this.#varint(difference < 0 ? -2 * difference - 1 : 2 * difference);
    } else this.#differing(value);
    this.#lastValue = value;
    this.#count += 1;
  }

  /** A copy of what is packed so far. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #differing(value: number): void {
    const view = this.#view;
    view.setFloat64(0, value);
    view.setFloat64(8, this.#lastValue);
    const differences = Array.from({ length: 8 }, (_, index) => view.getUint8(index) ^ view.getUint8(8 + index));
    const from = differences.findIndex((byte) => byte !== 0);
    const leading = from < 0 ? 8 : from;
    const trailing = from < 0 ? 0 : 7 - differences.findLastIndex((byte) => byte !== 0);
    this.#byte(leading * 16 + trailing);
    for (const byte of differences.slice(leading, 8 - trailing)) this.#byte(byte);
  }

  #varint(value: number): void {
    let left = value;
    while (left >= 0x80) {
      this.#byte((left % 0x80) + 0x80);
      left = Math.floor(left / 0x80);
    }
    this.#byte(left);
  }

  #byte(byte: number): void {
    if (this.#length === this.#bytes.byteLength) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }
}

/** The packed points. A damaged block gives the points before the damage. */
export function decodeBlock(baseMs: number, bytes: Uint8Array): Point[] {
  const points: Point[] = [];
  const view = new DataView(new ArrayBuffer(8));
  let at = 0;
  let atMs = baseMs;
  let value = 0;
  const varint = (): number => {
    let result = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at] ?? 0;
      at += 1;
      result += (byte % 0x80) * scale;
      if (byte < 0x80) return result;
    }
  };
  while (at < bytes.byteLength) {
    atMs += varint();
    const tag = bytes[at] ?? 0;
    at += 1;
    if (tag === integerTag) {
      const packed = varint();
      value += packed % 2 === 0 ? packed / 2 : -(packed + 1) / 2;
    } else {
      view.setFloat64(0, value);
      const [leading, trailing] = [tag >> 4, tag & 15];
      if (leading + trailing > 8) return points;
      for (let index = leading; index < 8 - trailing; index += 1) {
        view.setUint8(index, view.getUint8(index) ^ (bytes[at] ?? 0));
        at += 1;
      }
      value = view.getFloat64(0);
    }
    if (at <= bytes.byteLength) points.push({ atMs, value });
  }
  return points;
}

// Differences of whole numbers must stay exact, also doubled; minus zero would lose its sign.
function isWhole(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 50 && !Object.is(value, -0);
}
