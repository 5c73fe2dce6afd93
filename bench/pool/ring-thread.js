import { RingReader, RingWriter } from "../../packages/pool/dist/index.js";

/** Writes `frames` frames as fast as the reader takes them; tells what its heap grew by. */
export const produce = ({ ring, frames }) => {
  const writer = new RingWriter(ring, Float32Array);
  const send = (count) => {
    for (let index = 0; index < count; index += 1) {
      if (!writer.waitForRoom(10_000)) throw new Error(`no room for frame ${index} in 10 s`);
      const frame = writer.claim();
      frame[0] = index;
      writer.commit();
    }
  };
  send(frames / 2);
  const before = process.memoryUsage().heapUsed;
  send(frames / 2);
  return process.memoryUsage().heapUsed - before;
};

export const consume = ({ ring, frames }) => {
  const reader = new RingReader(ring, Float32Array);
  const take = (count) => {
    for (let index = 0; index < count; index += 1) {
      if (!reader.wait(10_000)) throw new Error(`no frame ${index} in 10 s`);
      reader.take();
      reader.release();
    }
  };
  const startMs = performance.now();
  take(frames / 2);
  const before = process.memoryUsage().heapUsed;
  take(frames / 2);
  return {
    perSecond: (frames * 1000) / (performance.now() - startMs),
    heapGrowth: process.memoryUsage().heapUsed - before,
  };
};

/** Answers each frame: half of its round trip is one wake-up. */
export const answer = ({ input, output, frames, spins }) => {
  const reader = new RingReader(input, Float64Array);
  const writer = new RingWriter(output, Float64Array);
  for (let index = 0; index < frames; index += 1) {
    if (!reader.wait(10_000, spins)) throw new Error(`no frame ${index} in 10 s`);
    reader.take();
    reader.release();
    writer.claim();
    writer.commit();
  }
};

export const ask = ({ input, output, frames, spins }) => {
  const writer = new RingWriter(input, Float64Array);
  const reader = new RingReader(output, Float64Array);
  const halves = [];
  for (let index = 0; index < frames; index += 1) {
    const startMs = performance.now();
    writer.claim();
    writer.commit();
    if (!reader.wait(10_000, spins)) throw new Error(`no frame ${index} in 10 s`);
    reader.take();
    reader.release();
    halves.push(((performance.now() - startMs) * 1000) / 2);
  }
  return halves;
};
