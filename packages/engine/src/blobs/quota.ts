import { EngineError } from "../error.ts";

/** Counts stored and half-stored bytes against a bound, so that uploads at once cannot pass it together. */
export class Quota {
  readonly quotaBytes: number;
  bytes = 0;
  blobs = 0;
  #reservedBytes = 0;

  constructor(quotaBytes: number) {
    this.quotaBytes = quotaBytes;
  }

  /** Counts bytes of an upload under way. @throws EngineError `too-large` */
  reserve(bytes: number): void {
    if (this.bytes + this.#reservedBytes + bytes > this.quotaBytes) {
      throw new EngineError(
        "too-large",
        `Cannot store a blob: ${this.bytes} bytes are stored and the quota is ${this.quotaBytes}; remove what is not used any more`,
      );
    }
    this.#reservedBytes += bytes;
  }

  release(bytes: number): void {
    this.#reservedBytes -= bytes;
  }

  added(bytes: number): void {
    this.bytes += bytes;
    this.blobs += 1;
  }

  removed(bytes: number): void {
    this.bytes -= bytes;
    this.blobs -= 1;
  }
}
