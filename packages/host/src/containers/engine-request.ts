import { HostError } from "../failure.ts";
import { timeLimit } from "../time-limit.ts";
import type { EngineSocket } from "./engine-socket.ts";

/** What an engine answered. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** How long a call may take, and what ends it before. */
export interface EngineCall {
  /** @default 10_000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const largestBodyBytes = 32 * 1024 * 1024;

/** One request to an engine's API. @throws HostError container-engine-failed, timed-out */
export async function askEngine(
  socket: EngineSocket,
  method: "GET" | "POST" | "DELETE",
  path: string,
  call: EngineCall = {},
): Promise<EngineAnswer> {
  const timeoutMs = call.timeoutMs ?? 10_000;
  const signal = timeLimit(timeoutMs, call.signal);
  // Most who load this package never ask an engine, and HTTP takes memory for as long as they run.
  const { request } = await import("node:http");
  const what = `${method} ${path} of ${socket.engine} on ${socket.path}`;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      if (call.signal?.aborted === true) reject(call.signal.reason as Error);
      else if (signal.aborted)
        reject(
          new HostError("timed-out", `No answer to ${what} within ${timeoutMs} ms; check that the engine runs`, {
            cause: error,
          }),
        );
      else {
        const reason = error instanceof Error ? error.message : String(error);
        reject(new HostError("container-engine-failed", `Cannot ask ${what}: ${reason}`, { cause: error }));
      }
    };
    const outgoing = request(
      { socketPath: socket.path, method, path, headers: { host: "localhost" }, signal, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length > largestBodyBytes)
            outgoing.destroy(new Error(`the answer is larger than ${largestBodyBytes} bytes`));
          else chunks.push(chunk);
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        answer.on("error", fail);
      },
    );
    outgoing.on("error", fail);
    outgoing.end();
  });
}
