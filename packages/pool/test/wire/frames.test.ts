import fc from "fast-check";
import { expect, it } from "vitest";
import { batchFrame, bytesFrame, FrameReader } from "../../src/wire/frames.ts";
import { stride, type Batch } from "../../src/wire/protocol.ts";

const value = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.double(),
  fc.boolean(),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 50 }),
  fc.float64Array({ maxLength: 9 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3, noNullPrototype: true }),
);
const batch: fc.Arbitrary<Batch> = fc
  .array(fc.tuple(fc.nat(9), fc.nat(), value, value), { minLength: 1, maxLength: 5 })
  .map((records) => records.flat());
const message = fc.oneof({ weight: 3, arbitrary: batch }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) });

it("every value arrives as it was, however the stream is cut and its memory is used again", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.integer({ min: 1, max: 200 }),
      fc.boolean(),
      (sent, cut, copies) => {
        const got: (Batch | Uint8Array)[] = [];
        const reader = new FrameReader(
          (one) => got.push(one),
          (bytes) => got.push(Uint8Array.from(bytes)),
          copies,
        );
        const stream = Buffer.concat(sent.map((one) => (Array.isArray(one) ? batchFrame(one) : bytesFrame(one))));
        const memory = Buffer.alloc(cut);
        for (let at = 0; at < stream.length; at += cut) {
          const chunk = stream.subarray(at, at + cut);
          if (!copies) reader.push(Buffer.from(chunk));
          else {
            chunk.copy(memory);
            reader.push(memory.subarray(0, chunk.length));
            memory.fill(0xaa);
          }
        }
        expect(got).toEqual(sent);
        for (const one of got) if (Array.isArray(one)) expect(one.length % stride).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

it("tells plain numbers apart as V8 does", () => {
  const got: Batch[] = [];
  const reader = new FrameReader(
    (one) => got.push(one),
    () => undefined,
  );
  for (const number of [-0, 0, Number.NaN, -Infinity, 5e-324, 2 ** 53])
    reader.push(batchFrame([0, 1, undefined, number]));
  expect(got.map((one) => one[3])).toEqual([-0, 0, Number.NaN, -Infinity, 5e-324, 2 ** 53]);
});

it("refuses what is no stream of frames with an error, and with nothing worse", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), (garbage) => {
      const reader = new FrameReader(
        () => undefined,
        () => undefined,
      );
      try {
        reader.push(Buffer.from(garbage));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 2000 },
  );
});
