import { runStage, sampleRate } from "./stage.js";

/** Vibrato: a slow sine in the control lane. */
export default function lfo(channel, rings) {
  let phase = 0;
  return runStage(channel, rings, (left, right, control) => {
    for (let frame = 0; frame < control.length; frame += 1) {
      control[frame] = Math.sin(phase);
      phase += (2 * Math.PI * 5) / sampleRate;
    }
  });
}
