import { crc32 as native } from "node:zlib";

/** CRC-32 (ISO 3309, as zlib and PNG use it) of the text's UTF-8, as 8 hexadecimal digits. */
export function crc32(text: string): string {
  return native(text).toString(16).padStart(8, "0");
}
