import { ConstellationError } from "../errors/error.ts";
import { formatBytes } from "../units/bytes.ts";

/** What a body carries, with the most bytes it can have. */
export const bodyLimits = {
  /** A spec of a thousand apps has a few hundred kilobytes. */
  "spec.too-large": { what: "spec", maxBytes: 10_000_000 },
  /** A script with all its packages. */
  "artifact.too-large": { what: "artifact", maxBytes: 256_000_000 },
} as const;

/**
 * Refuses a body that is too large; the client asks before it sends, the server while it receives.
 *
 * @throws ConstellationError `spec.too-large`, `artifact.too-large`
 */
export function checkBodySize(bytes: number, code: keyof typeof bodyLimits): void {
  const { what, maxBytes } = bodyLimits[code];
  if (bytes <= maxBytes) return;
  throw new ConstellationError(
    code,
    `The ${what} cannot be sent: it has at least ${formatBytes(bytes)}, more than ${formatBytes(maxBytes)}`,
    { remedy: `Make the ${what} smaller; nothing was changed.`, details: { bytes, maxBytes } },
  );
}
