const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Parses `"250ms"`, `"10s"`, `"1h30m"`, also `"1h 30m"`, into milliseconds. A bare number is refused: its unit could not be seen.
 *
 * @throws RangeError naming the value and the accepted form
 */
export function parseDuration(value: string): number {
  const text = value.trim();
  let totalMs = text === "0" ? 0 : Number.NaN;
  if (/^(\d+(\.\d+)?(ms|s|m|h|d) ?)+$/.test(text)) {
    totalMs = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
      totalMs += Number(amount) * factors[unit as keyof typeof factors];
    }
  }
  if (!Number.isFinite(totalMs) || totalMs > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`${JSON.stringify(value)} is not a duration; write it like "250ms", "10s" or "1h30m"`);
  }
  return Math.round(totalMs);
}

/** Prints milliseconds for people in at most two units: `1h 30m`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")}s`;
  const seconds = Math.round(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(" ");
}
