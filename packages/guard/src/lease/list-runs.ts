import { connect } from "node:net";
import { type LeaseCall, leaseLineBytes, type LeasedRun } from "@constellation/contract";
import { parseAnswer } from "./answer.ts";
import { onLines } from "./lines.ts";

/** The guarded runs that a daemon knows; undefined when none answers within `timeoutMs`. */
export function listRuns(socketPath: string, timeoutMs = 2000): Promise<readonly LeasedRun[] | undefined> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (runs: readonly LeasedRun[] | undefined): void => {
      socket.destroy();
      resolve(runs);
    };
    socket.setTimeout(timeoutMs, () => settle(undefined));
    socket.once("error", () => settle(undefined));
    socket.once("close", () => resolve(undefined));
    socket.once("connect", () => socket.write(`${JSON.stringify({ kind: "list" } satisfies LeaseCall)}\n`));
    onLines(socket, leaseLineBytes * 16, (line) => {
      const answer = parseAnswer(line);
      if (answer?.kind === "runs") settle(answer.runs);
    });
  });
}
