import { type Exit, toConstellationError } from "@constellation/contract";

/** Characters of a reason. */
const longestReason = 4096;

/** A start that threw, as the end of its run. `final`: the same start cannot work later either. */
export function startFailure(thrown: unknown, nowMs: number): { readonly exit: Exit; readonly final: boolean } {
  const error = toConstellationError(thrown);
  const exit: Exit = {
    kind: "start-failed",
    code: null,
    signal: null,
    reason: shortened(error.remedy === undefined ? error.message : `${error.message}; ${lowerFirst(error.remedy)}`),
    peakMemoryBytes: null,
    at: nowMs,
  };
  // A fault of ours is not known to be lasting; it is tried again like one of the machine.
  return { exit, final: !error.traits.retryable && error.traits.kind !== "bug" };
}

/** Both ends of what is too long, a word of the spec with 100 kB, say: it is kept with the instance and told again and again. */
function shortened(reason: string): string {
  const half = longestReason / 2;
  return reason.length <= longestReason ? reason : `${reason.slice(0, half)} … ${reason.slice(-half)}`;
}

function lowerFirst(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, "")}`;
}
