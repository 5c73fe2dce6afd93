// Fills memory as fast as one process can, after a test that finishes. argv: bytes to fill at most.
const { test } = require("node:test");
void test("before", () => {});
void test("hog", () => {
  const kept = [];
  const most = Number(process.env.HOG_BYTES);
  for (let filled = 0; filled < most; filled += 32 * 2 ** 20) kept.push(Buffer.alloc(32 * 2 ** 20, 1));
  // Still there: what was not stopped is held, so that it is noticed.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
});
