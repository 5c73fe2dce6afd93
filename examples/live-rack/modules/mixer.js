import { runStage } from "./stage.js";

/** The last gain, with a soft limit. */
export default function mixer(channel, rings) {
  return runStage(channel, rings, (left, right) => {
    for (let frame = 0; frame < left.length; frame += 1) {
      left[frame] = Math.tanh(left[frame] * 0.9);
      right[frame] = Math.tanh(right[frame] * 0.9);
    }
  });
}
