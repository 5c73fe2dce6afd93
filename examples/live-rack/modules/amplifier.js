import { runStage } from "./stage.js";

/** As loud as the control lane says. */
export default function amplifier(channel, rings) {
  return runStage(channel, rings, (left, right, control) => {
    for (let frame = 0; frame < left.length; frame += 1) {
      left[frame] *= control[frame];
      right[frame] *= control[frame];
    }
  });
}
