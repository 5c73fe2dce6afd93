import { runStage, sampleRate } from "./stage.js";

/** Four notes a second: a short attack and an exponential decay in the control lane. */
export default function envelope(channel, rings) {
  let time = 0;
  return runStage(channel, rings, (left, right, control) => {
    for (let frame = 0; frame < control.length; frame += 1) {
      const seconds = (time / sampleRate) % 0.25;
      control[frame] = Math.min(1, seconds / 0.005) * Math.exp(-seconds * 9);
      time += 1;
    }
  });
}
