import { wireVersion, type Packet } from "./packet.ts";
import type { Codec } from "./transport.ts";

/** A frame: four bytes length of the rest (big endian), one byte wire version, then what the codec wrote. */
const headerBytes = 5;

/** No frame is longer; a longer length is garbage or an attack. */
export const longestFrameBytes = 64 * 1024 * 1024;

/** One frame with a batch of packets. @throws RangeError when it is longer than any frame may be */
export function writeFrame(codec: Codec, packets: readonly Packet[]): Uint8Array {
  const body = codec.encode(packets);
  const length = body.byteLength + 1;
  if (length > longestFrameBytes)
    throw new RangeError(`Cannot send a frame of ${length} bytes: wanted at most ${longestFrameBytes}`);
  const frame = new Uint8Array(headerBytes + body.byteLength);
  new DataView(frame.buffer).setUint32(0, length);
  frame[4] = wireVersion;
  frame.set(body, headerBytes);
  return frame;
}

/** Puts frames together from pieces of any size. */
export class FrameReader {
  readonly #codec: Codec;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** Nothing can be read before so many bytes are here. */
  #wantedBytes = headerBytes;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** The packets of all frames that are complete now. @throws Error for what is no frame of this version */
  read(piece: Uint8Array): Packet[] {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#bytes < this.#wantedBytes) return [];
    const all = this.#join();
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const packets: Packet[] = [];
    let offset = 0;
    this.#wantedBytes = headerBytes;
    while (all.byteLength - offset >= headerBytes) {
      const length = view.getUint32(offset);
      if (length < 1 || length > longestFrameBytes)
        throw new RangeError(`Cannot read a frame of ${length} bytes: wanted 1 to ${longestFrameBytes}`);
      const version = all[offset + 4];
      if (version !== wireVersion)
        throw new Error(`Cannot read a frame of wire version ${version}: this system speaks ${wireVersion}`);
      if (all.byteLength - offset - 4 < length) {
        this.#wantedBytes = 4 + length;
        break;
      }
      packets.push(...this.#codec.decode(all.subarray(offset + headerBytes, offset + 4 + length)));
      offset += 4 + length;
    }
    this.#pieces = offset === all.byteLength ? [] : [all.subarray(offset)];
    this.#bytes = all.byteLength - offset;
    return packets;
  }

  #join(): Uint8Array {
    const [only] = this.#pieces;
    if (this.#pieces.length === 1 && only !== undefined) return only;
    const all = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const piece of this.#pieces) {
      all.set(piece, offset);
      offset += piece.byteLength;
    }
    return all;
  }
}
