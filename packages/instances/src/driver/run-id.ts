/**
 * A name for one start of an instance: milliseconds and chance in base 36, so that names sort by time and two starts
 * of one millisecond differ. Short, because it becomes part of socket paths (108 bytes at most).
 */
export function newRunId(nowMs: number, random: number): string {
  const chance = Math.floor(random * 36 ** 5);
  return `${Math.floor(nowMs).toString(36).padStart(8, "0")}-${chance.toString(36).padStart(5, "0")}`;
}

/** True for what {@link newRunId} makes; anything else found on disk is not ours. */
export function isRunId(text: string): boolean {
  return /^[0-9a-z]{8,9}-[0-9a-z]{5}$/.test(text);
}
