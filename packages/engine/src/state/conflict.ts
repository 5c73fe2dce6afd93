import { EngineError } from "../error.ts";
import type { Expectation } from "./store.ts";

/** The error of a transaction whose expectations did not hold. */
export function conflictError(stale: readonly Expectation[], actual: (key: string) => number): EngineError {
  const shown = stale
    .slice(0, 3)
    .map(({ key, rev }) => `${key} is ${shownRev(actual(key))}, expected ${shownRev(rev)}`);
  const more = stale.length > 3 ? ` and ${stale.length - 3} more` : "";
  return new EngineError("conflict", `Cannot apply the transaction: ${shown.join("; ")}${more}; read again and retry`, {
    keys: stale.map(({ key }) => key),
  });
}

function shownRev(rev: number): string {
  return rev === 0 ? "absent" : `at revision ${rev}`;
}
