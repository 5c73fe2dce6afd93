import fc from "fast-check";
import { expect, test } from "vitest";
import { ConstellationError, decodeExecFrame, encodeExecFrame, type ExecFrame } from "../src/index.ts";

const bytes = fc.uint8Array({ maxLength: 200 });
const frames: fc.Arbitrary<ExecFrame> = fc.oneof(
  fc.record({ type: fc.constantFrom("stdin" as const, "stdout" as const, "stderr" as const), bytes }),
  fc.record({
    type: fc.constant("exit" as const),
    code: fc.option(fc.nat(255)),
    signal: fc.option(fc.integer({ min: 1, max: 64 })),
  }),
  fc.record({ type: fc.constant("resize" as const), columns: fc.nat(65_535), rows: fc.nat(65_535) }),
  fc.record({ type: fc.constant("signal" as const), signal: fc.nat(255) }),
  fc.constant({ type: "stdin-end" as const }),
  fc.record({
    type: fc.constant("error" as const),
    error: fc.record({ code: fc.constant("exec.failed" as const), message: fc.string() }),
  }),
);

test("a frame survives the wire", () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeExecFrame(encodeExecFrame(frame))).toEqual(frame);
    }),
  );
});

test("garbage is a frame or request.invalid, never another failure", () => {
  fc.assert(
    fc.property(bytes, (garbage) => {
      try {
        decodeExecFrame(garbage);
      } catch (error) {
        expect(error).toBeInstanceOf(ConstellationError);
        expect((error as ConstellationError).code).toBe("request.invalid");
      }
    }),
  );
});
