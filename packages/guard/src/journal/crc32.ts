const table = Int32Array.from({ length: 256 }, (_, n) => {
  let row = n;
  for (let bit = 0; bit < 8; bit++) row = row & 1 ? (row >>> 1) ^ 0xedb88320 : row >>> 1;
  return row;
});

/**
 * CRC-32 (ISO 3309, as zlib and PNG use it) of the text's UTF-8, as 8 hexadecimal digits. By hand: a call into zlib takes as
 * long for a line of the journal, and its module more memory than the guard's policy.
 */
export function crc32(text: string): string {
  let crc = -1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 127) {
      for (const byte of Buffer.from(text.slice(at))) crc = step(crc, byte);
      break;
    }
    crc = step(crc, code);
  }
  return ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
}

const step = (crc: number, byte: number): number => (table[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
