import { formatBytes, type LogLine } from "@constellation/contract";

/** What stands where lines of a log could not be read any more: how much is missing, where that is known, and since when. */
export function logGap({ time, gapBytes = 0 }: Pick<LogLine, "time" | "gapBytes">): string {
  // Before the first line that was read nobody knows when.
  const since = time === "" ? "" : ` since ${time.slice(0, 19)}Z`;
  if (gapBytes > 0) return `(at least ${formatBytes(gapBytes)} are missing here${since})`;
  return `(lines are missing here${since}: they were rotated away before they could be read, and nobody knows how many)`;
}
