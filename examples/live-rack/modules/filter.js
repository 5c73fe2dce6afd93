import { runStage, sampleRate } from "./stage.js";

/** A low pass of one pole at 1.8 kHz. */
export default function filter(channel, rings) {
  const share = 1 - Math.exp((-2 * Math.PI * 1800) / sampleRate);
  let keptLeft = 0;
  let keptRight = 0;
  return runStage(channel, rings, (left, right) => {
    for (let frame = 0; frame < left.length; frame += 1) {
      left[frame] = keptLeft += share * (left[frame] - keptLeft);
      right[frame] = keptRight += share * (right[frame] - keptRight);
    }
  });
}
