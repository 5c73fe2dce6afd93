import { EngineError } from "../error.ts";
import { stateLimits } from "./limits.ts";

const wellFormed = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

/**
 * Checks a key: tokens of `[A-Za-z0-9_-]` joined with `.`.
 * @throws EngineError `bad-key`
 */
export function checkKey(key: string): void {
  if (typeof key !== "string" || key.length > stateLimits.keyChars || !wellFormed.test(key)) {
    throw new EngineError(
      "bad-key",
      `Cannot use key ${shown(key)}: it must be tokens of A-Z a-z 0-9 _ - joined with ".", at most ${stateLimits.keyChars} characters`,
    );
  }
}

/** Checks a prefix: a key, or empty for everything. @throws EngineError `bad-key` */
export function checkPrefix(prefix: string): void {
  if (prefix !== "") checkKey(prefix);
}

/** Whether the key is the prefix itself or lies below it. */
export function isUnder(prefix: string, key: string): boolean {
  if (prefix === "" || key === prefix) return true;
  return key.length > prefix.length && key.charCodeAt(prefix.length) === 46 && key.startsWith(prefix);
}

function shown(key: unknown): string {
  const text = JSON.stringify(key) ?? typeof key;
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length} characters)` : text;
}
