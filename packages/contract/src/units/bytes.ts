const factors = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

/**
 * Parses `"256MB"` (10^6) or `"256MiB"` (2^20) into bytes; a whole number is bytes already.
 * Decimal and binary units are told apart as in IEC 80000-13.
 *
 * @throws RangeError naming the value and the accepted form
 */
export function parseBytes(value: string | number): number {
  const match =
    typeof value === "number"
      ? [String(value), String(value), "B"]
      : /^(\d+(?:\.\d+)?)\s*([kKMGT]i?B|B)$/.exec(value.trim());
  const factor = factors[(match?.[2] ?? "") as keyof typeof factors] as number | undefined;
  const isPart = typeof value === "number" && !Number.isInteger(value);
  const bytes = factor === undefined || isPart ? Number.NaN : Math.round(Number(match?.[1]) * factor);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new RangeError(`${JSON.stringify(value)} is not a size; write it like "256MB" or "1.5GiB"`);
  }
  return bytes;
}

/** Prints bytes for people with decimal units: `256 MB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, "")} ${units[unit]}`;
}
