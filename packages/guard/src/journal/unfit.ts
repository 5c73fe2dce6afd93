/** What a file was given up for: it does not fit in memory, or it ends every attempt by means unknown. */
export type UnfitCause = "memory" | "unknown";

/** Why a file was given up, after its name. */
export function unfitWords(cause: UnfitCause): string {
  return cause === "memory" ? "does not fit in memory, not even alone" : "ended every attempt, alone too";
}
