const factors = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9, "B/s": 8, "kB/s": 8e3, "MB/s": 8e6, "GB/s": 8e9 } as const;

/**
 * Parses `"50Mbit"` (as tc writes it) or `"6MB/s"` into bits per second.
 *
 * @throws RangeError naming the value and the accepted form
 */
export function parseBitrate(value: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+?)(?:\/s|ps)?$/.exec(value.trim());
  const unit = match?.[2] ?? "";
  const factor = unit.endsWith("B")
    ? factors[`${unit}/s` as keyof typeof factors]
    : factors[unit as keyof typeof factors];
  const rate = (factor as number | undefined) === undefined ? Number.NaN : Math.round(Number(match?.[1]) * factor);
  if (!Number.isSafeInteger(rate) || rate <= 0) {
    throw new RangeError(`${JSON.stringify(value)} is not a bandwidth; write it like "50Mbit" or "6MB/s"`);
  }
  return rate;
}

/** Prints bits per second for people: `50 Mbit/s`. */
export function formatBitrate(bitsPerSecond: number): string {
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"];
  let value = bitsPerSecond;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}
