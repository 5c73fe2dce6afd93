// What all modules share: take a block from the ring before, change it, pass it to the ring behind.
import { setImmediate } from "node:timers/promises";
import { RingReader, RingWriter } from "@constellation/pool";

/** Frames of one block; a block is left, right and a control lane, one after the other. */
export const blockFrames = 256;
export const sampleRate = 44_100;
export const blockBytes = blockFrames * 3 * 4;

/** Runs `change(left, right, control, firstFrame)` on each block until told to stop. Returns at once: "ready". */
export function runStage(channel, { input, output }, change) {
  const reader = new RingReader(input, Float32Array);
  const writer = new RingWriter(output, Float32Array);
  const lanes = new WeakMap();
  let running = true;
  channel.onMessage((message) => {
    if (message === "crash") process.exit(1);
    running = message !== "stop";
  });
  const lanesOf = (block) => {
    let cut = lanes.get(block);
    if (cut === undefined) {
      cut = [0, 1, 2].map((lane) => block.subarray(lane * blockFrames, (lane + 1) * blockFrames));
      lanes.set(block, cut);
    }
    return cut;
  };
  const loop = async () => {
    let blocks = 0;
    // The answer "ready" goes out first.
    await setImmediate();
    // oxlint-disable-next-line no-unmodified-loop-condition -- a message changes it
    while (running) {
      // Blocks this thread, but never for long: messages want to be heard too.
      const isNext = reader.wait(20) && writer.waitForRoom(20);
      if (isNext) {
        const from = reader.take();
        const to = writer.claim();
        to.set(from);
        const [left, right, control] = lanesOf(to);
        change(left, right, control);
        writer.commit();
        reader.release();
        blocks += 1;
      }
      if (!isNext || blocks % 8 === 0) await setImmediate();
    }
  };
  void loop();
  return "ready";
}
