import { runStage, sampleRate } from "./stage.js";

/** An echo that changes sides. */
export default function delay(channel, rings) {
  const length = Math.floor(sampleRate * 0.33);
  const lines = [new Float32Array(length), new Float32Array(length)];
  let at = 0;
  return runStage(channel, rings, (left, right) => {
    for (let frame = 0; frame < left.length; frame += 1) {
      const [first, second] = [lines[0][at], lines[1][at]];
      lines[0][at] = left[frame] + second * 0.4;
      lines[1][at] = right[frame] + first * 0.4;
      left[frame] += first * 0.5;
      right[frame] += second * 0.5;
      at = (at + 1) % length;
    }
  });
}
