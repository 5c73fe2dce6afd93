/** A RIFF/WAVE file of 16 bit stereo. */
export function wavFile(blocks, sampleRate) {
  const frames = blocks.reduce((sum, [left]) => sum + left.length, 0);
  const file = Buffer.alloc(44 + frames * 4);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + frames * 4, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(2, 22);
  file.writeUInt32LE(sampleRate, 24);
  file.writeUInt32LE(sampleRate * 4, 28);
  file.writeUInt16LE(4, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(frames * 4, 40);
  let at = 44;
  for (const [left, right] of blocks)
    for (let frame = 0; frame < left.length; frame += 1, at += 4) {
      file.writeInt16LE(Math.round(left[frame] * 32_767), at);
      file.writeInt16LE(Math.round(right[frame] * 32_767), at + 2);
    }
  return file;
}
