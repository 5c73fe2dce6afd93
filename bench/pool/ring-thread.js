import { RingReader, RingWriter } from "../../packages/pool/dist/index.js";

const longestWaitMs = 10_000;
const nowUs = () => Number(process.hrtime.bigint()) / 1000;

/** Heap bytes per frame: what two thirds of the frames cost more than one third; what measuring costs cancels out. */
function slope(frames, pass) {
  const part = Math.floor(frames / 4);
  pass(frames - 3 * part);
  const readings = [process.memoryUsage().heapUsed];
  pass(part);
  readings.push(process.memoryUsage().heapUsed);
  pass(2 * part);
  readings.push(process.memoryUsage().heapUsed);
  return (readings[2] - 2 * readings[1] + readings[0]) / part;
}

/** Writes frames as fast as the reader takes them. */
export const produce = ({ ring, frames }) => {
  const writer = new RingWriter(ring, Float32Array);
  const heapBytesPerFrame = slope(frames, (count) => {
    for (let index = 0; index < count; index += 1) {
      if (!writer.waitForRoom(longestWaitMs)) throw new Error(`no room for frame ${index} in 10 s`);
      const frame = writer.claim();
      frame[0] = index;
      writer.commit();
    }
  });
  return { heapBytesPerFrame };
};

export const consume = ({ ring, frames }) => {
  const reader = new RingReader(ring, Float32Array);
  const startMs = performance.now();
  const heapBytesPerFrame = slope(frames, (count) => {
    for (let index = 0; index < count; index += 1) {
      if (!reader.wait(longestWaitMs)) throw new Error(`no frame ${index} in 10 s`);
      reader.take();
      reader.release();
    }
  });
  return { perSecond: (frames * 1000) / (performance.now() - startMs), heapBytesPerFrame };
};

/** Answers each frame: half of its round trip is one wake-up. */
export const answer = ({ input, output, frames, spins }) => {
  const reader = new RingReader(input, Float64Array);
  const writer = new RingWriter(output, Float64Array);
  for (let index = 0; index < frames; index += 1) {
    if (!reader.wait(longestWaitMs, spins)) throw new Error(`no frame ${index} in 10 s`);
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
    if (!reader.wait(longestWaitMs, spins)) throw new Error(`no frame ${index} in 10 s`);
    reader.take();
    reader.release();
    halves.push(((performance.now() - startMs) * 1000) / 2);
  }
  return halves;
};

/** Sends a frame with the time every `periodMs`: whoever waits for it has gone to sleep long before. */
export const tick = ({ ring, frames, periodMs }) => {
  const writer = new RingWriter(ring, Float64Array);
  for (const _ of ticks(frames, periodMs)) {
    if (!writer.waitForRoom(longestWaitMs)) throw new Error("no room for a tick in 10 s");
    writer.claim()[0] = nowUs();
    writer.commit();
  }
};

/** Microseconds from the commit of each frame of `tick` until it is here, and the processor's share of the process. */
export const hear = ({ ring, frames, anticipates }) => {
  const reader = new RingReader(ring, Float64Array, { anticipates });
  const before = process.cpuUsage();
  const startMs = performance.now();
  const lateUs = Array.from({ length: frames }, () => {
    if (!reader.wait(longestWaitMs)) throw new Error("no tick in 10 s");
    const late = nowUs() - reader.take()[0];
    reader.release();
    return late;
  });
  const { user, system } = process.cpuUsage(before);
  return { lateUs, cpuPercent: (user + system) / 10 / (performance.now() - startMs) };
};

/** The floor: the same without a ring, with nothing but `Atomics.notify` … */
export const ringBare = ({ words, stamp, frames, periodMs }) => {
  for (const _ of ticks(frames, periodMs)) {
    stamp[0] = nowUs();
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0, 1);
  }
};

/** … and `Atomics.wait`. */
export const hearBare = ({ words, stamp, frames }) =>
  Array.from({ length: frames }, (_, index) => {
    while (Atomics.load(words, 0) <= index)
      if (Atomics.wait(words, 0, index, longestWaitMs) === "timed-out") throw new Error("no tick in 10 s");
    return nowUs() - stamp[0];
  });

/** Goes on at each tick of a clock that does not drift. */
function* ticks(count, periodMs) {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const startMs = performance.now();
  for (let index = 1; index <= count; index += 1) {
    Atomics.wait(never, 0, 0, Math.max(0, startMs + index * periodMs - performance.now()));
    yield index;
  }
}
