const table = Int32Array.from({ length: 256 }, (_, start) => {
  let n = start;
  for (let bit = 0; bit < 8; bit++) n = (n & 1) === 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** CRC-32 (ISO 3309, as zlib and PNG use it) of the text's UTF-8, as 8 hexadecimal digits. */
export function crc32(text: string): string {
  let crc = -1;
  for (const byte of Buffer.from(text)) crc = (table[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
}
