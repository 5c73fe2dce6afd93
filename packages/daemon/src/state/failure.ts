import { ConstellationError, type ErrorCode, toConstellationError } from "@constellation/contract";
import { type EngineErrorCode, isEngineError } from "@constellation/engine";

const codes: Record<EngineErrorCode, ErrorCode> = {
  conflict: "state.conflict",
  unavailable: "state.unavailable",
  unknown: "state.unknown",
  "too-large": "spec.too-large",
  "bad-key": "internal.bug",
  corrupt: "state.corrupt",
  "schema-newer": "state.corrupt",
  closed: "state.unavailable",
};

/** What is wanted cannot be changed without a write; what runs can be ended. */
const withoutSpace =
  "Delete what fills the disk: the data folders of apps lie on it too (`constellation inspect` names them). `constellation daemon stop --instances` needs no space and ends everything; the next daemon starts it again.";

/** An engine's failure in the platform's own words; anything else passes as it is. */
export function stateFailure(error: unknown): ConstellationError {
  if (isEngineError(error) && error.noSpaceFor !== undefined)
    return new ConstellationError(codes[error.code], error.message, { cause: error, remedy: withoutSpace });
  if (isEngineError(error)) return new ConstellationError(codes[error.code], error.message, { cause: error });
  if (error instanceof DOMException)
    return new ConstellationError("state.unavailable", "The state did not answer in time", { cause: error });
  return toConstellationError(error);
}
