import { runStage, sampleRate } from "./stage.js";

const notesHz = [220, 277.18, 329.63, 440];

/** A saw that steps through a chord, bent by the control lane. */
export default function oscillator(channel, rings) {
  let phase = 0;
  let time = 0;
  return runStage(channel, rings, (left, right, control) => {
    for (let frame = 0; frame < left.length; frame += 1) {
      const hz = notesHz[Math.floor((time / sampleRate) * 4) % notesHz.length] * (1 + 0.004 * control[frame]);
      phase = (phase + hz / sampleRate) % 1;
      left[frame] = right[frame] = 2 * phase - 1;
      time += 1;
    }
  });
}
