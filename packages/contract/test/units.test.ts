import {
  formatBitrate,
  formatBytes,
  formatDuration,
  parseBitrate,
  parseBytes,
  parseDuration,
} from "@constellation/contract";
import fc from "fast-check";
import { expect, test } from "vitest";

test("sizes tell decimal and binary units apart", () => {
  expect(parseBytes("256MB")).toBe(256e6);
  expect(parseBytes("1.5GiB")).toBe(1.5 * 2 ** 30);
  expect(parseBytes(1024)).toBe(1024);
  expect(formatBytes(256e6)).toBe("256 MB");
  expect(() => parseBytes(1.5)).toThrow(/1.5 is not a size/);
  expect(() => parseBytes("-1MB")).toThrow(/write it like "256MB"/);
});

test("durations need a unit", () => {
  expect(parseDuration("1h30m")).toBe(5_400_000);
  expect(parseDuration(formatDuration(5_400_000))).toBe(5_400_000);
  expect(() => parseDuration("1 h")).toThrow(RangeError);
  expect(parseDuration("250ms")).toBe(250);
  expect(parseDuration("0")).toBe(0);
  expect(() => parseDuration("10")).toThrow(/is not a duration/);
  expect(formatDuration(5_400_000)).toBe("1h 30m");
});

test("bandwidth is bits, or bytes with a slash", () => {
  expect(parseBitrate("50Mbit")).toBe(50e6);
  expect(parseBitrate("50Mbit/s")).toBe(50e6);
  expect(parseBitrate("6MB/s")).toBe(48e6);
  for (const text of ["fast", "6MB/s/s", "6MB/sps"]) expect(() => parseBitrate(text)).toThrow(/is not a bandwidth/);
  expect(formatBitrate(50e6)).toBe("50 Mbit/s");
});

test("no text makes a unit parser answer NaN or throw anything but RangeError", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseBytes, parseDuration, parseBitrate]) {
        try {
          expect(Number.isSafeInteger(parse(text))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }
    }),
  );
});

test("what is printed is read back to within its precision", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 14 }), (bytes) => {
      const back = parseBytes(formatBytes(bytes).replace(" ", ""));
      expect(Math.abs(back - bytes) / bytes).toBeLessThan(0.06);
    }),
  );
});
