/** Frames between the daemon and a session process (launcher/session.c): type, 3 zero bytes, length, content. */
const HEAD_BYTES = 8;
/** The largest content of an input frame. */
export const FRAME_CONTENT_BYTES = 32 * 1024;

export const frameTypes = {
  input: 0,
  endOfInput: 1,
  windowSize: 2,
  signal: 3,
  plan: 16,
  output: 1,
  errorOutput: 2,
  end: 3,
  started: 4,
} as const;

export interface Frame {
  readonly type: number;
  readonly content: Buffer;
}

export function encodeFrame(type: number, content: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEAD_BYTES + content.length);
  frame[0] = type;
  frame.writeUInt32LE(content.length, 4);
  frame.set(content, HEAD_BYTES);
  return frame;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      if (this.#rest.length < HEAD_BYTES) return frames;
      const length = this.#rest.readUInt32LE(4);
      if (this.#rest.length < HEAD_BYTES + length) return frames;
      frames.push({ type: this.#rest.readUInt8(0), content: this.#rest.subarray(HEAD_BYTES, HEAD_BYTES + length) });
      this.#rest = this.#rest.subarray(HEAD_BYTES + length);
    }
  }
}
