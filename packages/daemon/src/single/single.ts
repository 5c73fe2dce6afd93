import { ConstellationError } from "@constellation/contract";
import { isEngineError } from "@constellation/engine";

/**
 * Opens the state, which one process can hold at a time: the daemon's own lock, freed by the kernel however it ends.
 *
 * @throws ConstellationError `daemon.busy` naming the process that holds it, once that has said which it is, `state.corrupt`, `state.unavailable`
 */
export function openAlone<T>(stateFile: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!isEngineError(error)) throw error;
    if (error.code === "unavailable" && error.holderPid !== undefined)
      throw new ConstellationError(
        "daemon.busy",
        `Cannot start a daemon here: ${error.holderPid === null ? "another process" : `process ${error.holderPid}`} holds ${stateFile} already`,
        {
          remedy: `Use that daemon, or stop it with \`constellation daemon stop\`.${withoutAnswer(error.holderPid)}`,
          details: { holderPid: error.holderPid },
          cause: error,
        },
      );
    const corrupt = error.code === "corrupt" || error.code === "schema-newer";
    throw new ConstellationError(corrupt ? "state.corrupt" : "state.unavailable", error.message, { cause: error });
  }
}

/** Who does not answer cannot be asked to stop. */
const withoutAnswer = (pid: number | null): string =>
  pid === null ? "" : ` If it does not answer: \`kill ${pid}\`; instances go on, and the next daemon takes them over.`;
