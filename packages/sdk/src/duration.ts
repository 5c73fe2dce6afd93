import { ConstellationError, parseDuration } from "@constellation/contract";

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
