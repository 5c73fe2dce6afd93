import { EngineError } from "../error.ts";
import type { BlobRange } from "./blob-store.ts";

/** Checks a blob's name. @throws EngineError `bad-key` */
export function checkHash(sha256: string): void {
  if (typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256)) return;
  const shown = (JSON.stringify(sha256) ?? typeof sha256).slice(0, 80);
  throw new EngineError(
    "bad-key",
    `Cannot use blob ${shown}: its name must be a SHA-256 of 64 lower-case hexadecimal digits`,
  );
}

/** The range in numbers. @throws RangeError when it does not lie in the blob */
export function resolvedRange(sizeBytes: number, range: BlobRange | undefined): { start: number; end: number } {
  const { start, end = sizeBytes } = range ?? { start: 0 };
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= sizeBytes) {
    return { start, end };
  }
  throw new RangeError(`Cannot read bytes ${start} to ${end} of a blob of ${sizeBytes}: give 0 ≤ start ≤ end ≤ size`);
}

/** The error of bytes that do not have the hash they should. */
export function wrongHash(attempted: string, wanted: string, found: string): EngineError {
  return new EngineError(
    "corrupt",
    `Cannot ${attempted} blob ${wanted}: its bytes have the hash ${found}; upload it again`,
  );
}
