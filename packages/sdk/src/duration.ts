import { ConstellationError, formatDuration, parseDuration, sampleInterval } from "@constellation/contract";

/**
 * A duration that a caller gave, in milliseconds.
 *
 * @param setting how the caller knows it, for the error
 * @throws ConstellationError `usage.invalid`
 */
export function givenDuration(setting: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    throw new ConstellationError(
      "usage.invalid",
      `${setting} is ${JSON.stringify(text)}, it must be a duration like "250ms", "10s" or "1h30m"`,
      { cause },
    );
  }
}

/**
 * Time between two measurements that a caller gave, in milliseconds.
 *
 * @throws ConstellationError `usage.invalid`
 */
export function givenInterval(setting: string, text: string): number {
  const { leastMs, mostMs } = sampleInterval;
  const intervalMs = givenDuration(setting, text);
  if (intervalMs >= leastMs && intervalMs <= mostMs) return intervalMs;
  throw new ConstellationError(
    "usage.invalid",
    `${setting} is ${JSON.stringify(text)}, it must be from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`,
  );
}
