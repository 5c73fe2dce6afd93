import { request } from "node:http";
import { connect } from "node:net";

/** Asks a server once, on a connection of its own; rejects when the answer is not whole. */
export type Ask = (port: number) => Promise<string>;

const timeoutMs = 10_000;

export const askHttp: Ask = (port) =>
  new Promise((resolve, reject) => {
    const call = request({ port, host: "127.0.0.1", agent: false, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("error", reject);
      response.once("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${String(response.statusCode)}`)),
      );
    });
    call.once("timeout", () => call.destroy(new Error("no answer in time")));
    call.once("error", reject);
    call.end();
  });

export const askRedis: Ask = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write("PING\r\n"));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer in time")));
    socket.once("data", (bytes) => {
      socket.destroy();
      resolve(bytes.toString("latin1"));
    });
    socket.once("error", reject);
    socket.once("end", () => reject(new Error("the connection was closed without an answer")));
  });

/** Asks again and again from four callers while `work` is under way, and says what came of it. */
export async function underLoad(
  ask: Ask,
  port: number,
  work: () => Promise<unknown>,
): Promise<{ readonly answered: number; readonly failures: readonly string[] }> {
  const state = { busy: true, answered: 0 };
  const failures: string[] = [];
  const caller = async (): Promise<void> => {
    while (state.busy) {
      await ask(port).then(
        () => (state.answered += 1),
        (error: unknown) => failures.push(String(error)),
      );
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  try {
    await work();
  } finally {
    state.busy = false;
    await Promise.all(callers);
  }
  return { answered: state.answered, failures };
}
