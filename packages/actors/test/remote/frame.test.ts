import { fc } from "../fixtures/fast-check.ts";
import { describe, expect, it } from "vitest";
import { FrameReader, jsonCodec, writeFrame, type Packet } from "@constellation/actors";

const packets: Packet[] = [
  { kind: "send", to: 1, messages: [{ text: "héllo" }] },
  { kind: "taken", count: 3 },
];

describe("frames", () => {
  it("come back together however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        (cuts, count) => {
          const frame = writeFrame(jsonCodec, packets);
          const bytes = new Uint8Array(frame.byteLength * count);
          for (let index = 0; index < count; index += 1) bytes.set(frame, index * frame.byteLength);
          const reader = new FrameReader(jsonCodec);
          const read: Packet[] = [];
          for (let offset = 0, cut = 0; offset < bytes.byteLength; cut += 1) {
            const length = cuts[cut % cuts.length] ?? 1;
            read.push(...reader.read(bytes.slice(offset, offset + length)));
            offset += length;
          }
          expect(read).toEqual(Array.from({ length: count }, () => packets).flat());
        },
      ),
    );
  });

  it("refuse other versions, lengths that cannot be, and what is no packet", () => {
    const version = writeFrame(jsonCodec, packets);
    version[4] = 9;
    expect(() => new FrameReader(jsonCodec).read(version)).toThrow("wire version 9");
    expect(() => new FrameReader(jsonCodec).read(new Uint8Array([255, 255, 255, 255, 1]))).toThrow("4294967295 bytes");
    expect(() => new FrameReader(jsonCodec).read(new Uint8Array([0, 0, 0, 0, 1]))).toThrow("0 bytes");
    const forge = (value: unknown): Uint8Array =>
      writeFrame({ ...jsonCodec, encode: () => new TextEncoder().encode(JSON.stringify(value)) }, []);
    for (const value of [
      {},
      [null],
      [{ kind: "nonsense" }],
      [{ kind: "send", to: "x" }],
      [{ kind: "send", to: 1 }],
      [{ kind: "spawn", n: 1, behavior: 3 }],
    ])
      expect(() => new FrameReader(jsonCodec).read(forge(value)), JSON.stringify(value)).toThrow(TypeError);
    const huge = { ...jsonCodec, encode: () => new Uint8Array(64 * 1024 * 1024) };
    expect(() => writeFrame(huge, packets)).toThrow(RangeError);
  });

  it("never do anything but throw an error for random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new FrameReader(jsonCodec).read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
