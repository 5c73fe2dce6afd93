import { EngineError } from "../error.ts";
import type { Lease } from "./store.ts";

/** The shortest lease that the embedded stores grant; a shorter wish is lengthened to it. */
export const minLeaseMs = 10;
const maxLeaseMs = 24 * 60 * 60 * 1000;

/** The time to live that is granted for a wish. @throws RangeError outside 1 ms to 24 hours */
export function grantedTtlMs(ttlMs: number): number {
  if (!(ttlMs >= 1 && ttlMs <= maxLeaseMs)) {
    throw new RangeError(`Cannot grant a lease of ${String(ttlMs)} ms: it must be from 1 to ${maxLeaseMs}`);
  }
  return Math.max(Math.ceil(ttlMs), minLeaseMs);
}

/** The error of a lease that has ended. */
export function leaseGone(id: string, attempted: string): EngineError {
  return new EngineError("conflict", `Cannot ${attempted}: lease ${id} has expired or was revoked; take a new one`);
}

/** A lease handle over the store's own calls. */
export function leaseHandle(
  id: string,
  ttlMs: number,
  calls: { renew(): Promise<void>; revoke(): Promise<void> },
): Lease {
  return { id, ttlMs, renew: () => calls.renew(), revoke: () => calls.revoke() };
}
