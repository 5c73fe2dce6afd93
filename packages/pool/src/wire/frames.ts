import { DefaultSerializer, deserialize } from "node:v8";
import { plainBatch, plainText } from "./plain-text.ts";
import type { Batch } from "./protocol.ts";

/** What a frame carries; the header is its body's length and this, each 32 bits, little endian. */
export const frameKind = {
  /** A batch in V8's serialization format. */
  batch: 0,
  /** Bytes of a leased module, as they are. */
  bytes: 1,
  /** A batch of plain values as JSON. */
  plain: 2,
} as const;

const headerBytes = 8;

/** More waits unread in a socket than this, and no more messages are sent. */
export const mostUnsentBytes = 64 * 1024 * 1024;

/** No frame is longer; a longer one is a broken peer. */
export const longestFrameBytes = 1024 * 1024 * 1024;

/** One frame with a batch. @throws DataCloneError when a value cannot be serialized; RangeError when it is too long. */
export function batchFrame(batch: Batch): Buffer {
  const text = plainText(batch);
  return text === null ? serializedFrame(batch) : plainFrame(text);
}

function plainFrame(text: string): Buffer {
  // A UTF-16 unit takes three bytes of UTF-8 at most.
  const buffer = Buffer.allocUnsafe(headerBytes + text.length * 3);
  const length = buffer.write(text, headerBytes);
  buffer.writeUInt32LE(length, 0);
  buffer.writeUInt32LE(frameKind.plain, 4);
  return buffer.subarray(0, headerBytes + length);
}

function serializedFrame(batch: Batch): Buffer {
  const serializer = new DefaultSerializer();
  // Room for the header in the same buffer; eight bytes keep the alignment of what follows.
  serializer.writeUint32(0);
  serializer.writeRawBytes(headerRoom);
  serializer.writeHeader();
  serializer.writeValue(batch);
  const buffer = serializer.releaseBuffer();
  refuseWhenTooLong(buffer.length - headerBytes);
  buffer.writeUInt32LE(buffer.length - headerBytes, 0);
  buffer.writeUInt32LE(frameKind.batch, 4);
  return buffer;
}

function refuseWhenTooLong(length: number): void {
  if (length > longestFrameBytes)
    throw new RangeError(`${length} bytes are too long for one message, wanted at most ${longestFrameBytes}`);
}

// `writeUint32(0)` is a varint of one byte.
const headerRoom = Buffer.alloc(headerBytes - 1);

/** One frame with a copy of raw bytes: a socket may be at it long after the sender has changed its own. @throws RangeError when no frame is that long. */
export function bytesFrame(bytes: Uint8Array): Buffer {
  refuseWhenTooLong(bytes.length);
  const frame = Buffer.allocUnsafe(headerBytes + bytes.length);
  frame.writeUInt32LE(bytes.length, 0);
  frame.writeUInt32LE(frameKind.bytes, 4);
  frame.set(bytes, headerBytes);
  return frame;
}

/** Cuts a stream of chunks into frames. What is told of one may share memory with its chunk unless `copies` says so. */
export class FrameReader {
  readonly #onBatch: (batch: Batch) => void;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #copies: boolean;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #neededBytes = headerBytes;

  /** `copies`: the memory of a chunk is used again once `push` returns. */
  constructor(onBatch: (batch: Batch) => void, onBytes: (bytes: Uint8Array) => void, copies = false) {
    this.#copies = copies;
    this.#onBatch = onBatch;
    this.#onBytes = onBytes;
  }

  /** @throws RangeError on a header that cannot be. */
  push(chunk: Buffer): void {
    if (this.#waitingBytes === 0) {
      this.#cut(chunk);
      return;
    }
    this.#waiting.push(this.#copies ? Buffer.from(chunk) : chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#neededBytes) return;
    const joined = Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#cut(joined);
  }

  #cut(data: Buffer): void {
    let offset = 0;
    while (data.length - offset >= headerBytes) {
      const length = data.readUInt32LE(offset);
      const kind = data.readUInt32LE(offset + 4);
      if (length > longestFrameBytes || kind > frameKind.plain)
        throw new RangeError(`Cannot read a frame of kind ${kind} and ${length} bytes: the stream is out of step`);
      const end = offset + headerBytes + length;
      if (end > data.length) {
        this.#keep(data, offset, headerBytes + length);
        return;
      }
      if (kind === frameKind.plain) this.#onBatch(plainBatch(data.toString("utf8", offset + headerBytes, end)));
      else {
        const body = data.subarray(offset + headerBytes, end);
        // Typed arrays of a batch are views of its body, and live on.
        if (kind === frameKind.batch) this.#onBatch(deserialize(this.#copies ? Buffer.from(body) : body) as Batch);
        else this.#onBytes(body);
      }
      offset = end;
    }
    if (offset < data.length) this.#keep(data, offset, headerBytes);
  }

  #keep(data: Buffer, offset: number, neededBytes: number): void {
    const rest = this.#copies ? Buffer.from(data.subarray(offset)) : data.subarray(offset);
    this.#waiting = [rest];
    this.#waitingBytes = rest.length;
    this.#neededBytes = neededBytes;
  }
}
