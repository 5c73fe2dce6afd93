import fc from "fast-check";
import { expect, it } from "vitest";
import { createPool, createRing, RingReader, RingWriter } from "@constellation/pool";

it("is a bounded queue that counts what it refuses", () => {
  const steps = fc.array(fc.constantFrom("write" as const, "read" as const), { maxLength: 400 });
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 8), steps, (frames, plan) => {
      const ring = createRing({ frames, frameBytes: 16 });
      const writer = new RingWriter(ring, Float64Array);
      const reader = new RingReader(ring, Float64Array);
      const model: number[] = [];
      const counts = { overruns: 0, underruns: 0 };
      for (const [index, step] of plan.entries())
        if (step === "write") {
          const frame = writer.claim();
          expect(frame === null).toBe(model.length === frames);
          if (frame === null) counts.overruns += 1;
          else {
            frame[0] = index;
            writer.commit();
            model.push(index);
          }
        } else {
          const frame = reader.take();
          expect(frame?.[0]).toBe(model.shift());
          if (frame === null) counts.underruns += 1;
          else reader.release();
        }
      expect({ overruns: writer.overruns, underruns: reader.underruns }).toEqual(counts);
    }),
  );
});

it("goes on when its counters wrap around", () => {
  const ring = createRing({ frames: 4, frameBytes: 8 });
  const counters = new Int32Array(ring.memory);
  counters[0] = 2 ** 31 - 3;
  counters[16] = 2 ** 31 - 3;
  const writer = new RingWriter(ring, Float64Array);
  const reader = new RingReader(ring, Float64Array);
  for (let index = 0; index < 20; index += 1) {
    for (let fill = 0; fill < 4; fill += 1) {
      writer.claim()?.fill(index * 4 + fill);
      writer.commit();
    }
    expect(writer.claim()).toBeNull();
    for (let fill = 0; fill < 4; fill += 1) {
      expect(reader.take()?.[0]).toBe(index * 4 + fill);
      reader.release();
    }
  }
});

it("counts on when what it refuses is more than 31 bits hold", () => {
  const ring = createRing({ frames: 1, frameBytes: 8 });
  const counters = new Int32Array(ring.memory);
  counters[1] = 2 ** 31 - 1;
  counters[17] = 2 ** 31 - 1;
  const writer = new RingWriter(ring, Float64Array);
  const reader = new RingReader(ring, Float64Array);
  expect([reader.take(), reader.underruns]).toEqual([null, 2 ** 31]);
  writer.claim();
  writer.commit();
  expect([writer.claim(), writer.overruns]).toEqual([null, 2 ** 31]);
});

it("carries every frame in order between two threads that sleep and wake", async () => {
  const pool = createPool({ module: new URL("../fixtures/ring-echo.js", import.meta.url), workers: 1 });
  try {
    const frames = 20_000;
    const input = createRing({ frames: 8, frameBytes: 64 });
    const output = createRing({ frames: 4, frameBytes: 64 });
    const relayed = pool.run("relay", { input, output, frames });
    const writer = new RingWriter(input, Float64Array);
    const reader = new RingReader(output, Float64Array);
    let sent = 0;
    for (let got = 0; got < frames;) {
      for (
        let frame = sent < frames ? writer.claim() : null;
        frame !== null;
        frame = sent < frames ? writer.claim() : null
      ) {
        frame.fill(sent);
        writer.commit();
        sent += 1;
      }
      if (!(await reader.waitAsync(10_000))) expect.fail(`no frame ${got} of ${sent} sent`);
      for (let frame = reader.take(); frame !== null; frame = reader.take()) {
        if (frame[0] !== got || frame[7] !== got) expect.fail(`frame ${got} holds ${frame[0]} and ${frame[7]}`);
        reader.release();
        got += 1;
      }
    }
    expect(await relayed).toBe(frames);
  } finally {
    await pool.close();
  }
});

it("hands stereo blocks of 512 frames to a worker and back without garbage", async () => {
  const pool = createPool({ module: new URL("../fixtures/ring-echo.js", import.meta.url), workers: 2 });
  try {
    const readings: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const [input, output] = [0, 1].map(() => createRing({ frames: 4, frameBytes: 512 * 2 * 4 }));
      const rings = { input, output, frames: 8000 };
      const [bytes] = await Promise.all([pool.run("heapPerBlock", rings), pool.run("relay", rings)]);
      readings.push(Number(bytes));
    }
    // One number on the heap for each block would be 16. The compiler's own notes come at any time: the best counts.
    expect(Math.min(...readings.map(Math.abs))).toBeLessThan(4);
  } finally {
    await pool.close();
  }
});

it("carries every frame of a regular stream to a reader that anticipates, also when it stops being regular", async () => {
  const pool = createPool({ module: new URL("../fixtures/ring-echo.js", import.meta.url), workers: 1 });
  try {
    await pool.ready();
    const frames = 120;
    const ring = createRing({ frames: 128, frameBytes: 8 });
    const heard = pool.run("hear", { ring, frames, waitMs: 10_000 });
    const writer = new RingWriter(ring, Float64Array);
    const startMs = performance.now();
    for (let index = 0; index < frames; index += 1) {
      const pauseMs = index === 60 ? 40 : 0;
      const untilMs = startMs + index * 2 + (index >= 60 ? 40 : 0) + pauseMs;
      while (performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 1));
      writer.claim()?.fill(index);
      writer.commit();
    }
    expect(await heard).toEqual(Array.from({ length: frames }, (_, index) => index));
    const late = pool.run("hear", { ring, frames: 1, waitMs: 20 });
    await expect(late).rejects.toThrow(/no frame 0/);
  } finally {
    await pool.close();
  }
});

it("ends the waits when it is closed", () => {
  const ring = createRing({ frames: 2, frameBytes: 8 });
  const reader = new RingReader(ring, Float64Array);
  expect(reader.wait(1)).toBe(false);
  reader.close();
  expect(reader.wait(60_000)).toBe(false);
});

it("has a shape that can be", () => {
  expect(() => createRing({ frames: 3, frameBytes: 8 })).toThrow(/power of two/);
  expect(() => createRing({ frames: 4, frameBytes: 12 })).toThrow(/multiple of 8/);
});

it("waits its whole time, also when the thread was blocked before", async () => {
  const reader = new RingReader(createRing({ frames: 2, frameBytes: 16 }), Float64Array);
  // Keeps the event loop alive: a wait does not.
  const alive = setInterval(() => undefined, 1000);
  for (let round = 0; round < 3; round += 1) {
    expect(reader.wait(80)).toBe(false);
    const beganMs = performance.now();
    expect(await reader.waitAsync(80)).toBe(false);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(79);
  }
  clearInterval(alive);
});
