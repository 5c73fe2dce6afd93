import { runStage } from "./stage.js";

/** Four combs for each side, after Schroeder (1962). */
export default function reverb(channel, rings) {
  const combs = [1557, 1617, 1491, 1422].map((length, index) => [
    { line: new Float32Array(length), at: 0 },
    { line: new Float32Array(length + 23 + index), at: 0 },
  ]);
  const room = (samples, side) => {
    for (let frame = 0; frame < samples.length; frame += 1) {
      let sum = 0;
      for (const pair of combs) {
        const comb = pair[side];
        const out = comb.line[comb.at];
        comb.line[comb.at] = samples[frame] + out * 0.78;
        comb.at = (comb.at + 1) % comb.line.length;
        sum += out;
      }
      samples[frame] = samples[frame] * 0.8 + sum * 0.06;
    }
  };
  return runStage(channel, rings, (left, right) => {
    room(left, 0);
    room(right, 1);
  });
}
