import { ConstellationError, decodeExecFrame } from "@constellation/contract";
import type { WebSocket } from "ws";
import type { Exec, ExecExit, ExecOutput } from "./exec.ts";

/** Whether the caller wants no more of a program, and how it says so. */
export interface Leaving {
  readonly isLeft: boolean;
  readonly leave: () => void;
}

/** Output taken but not read yet before the socket rests, and the program with it. */
const maxUnread = 64;

/**
 * What a program says and how it ended. Listens from the call on, not from the first read, so that nothing is missed; how it
 * ended is known as soon as it is told, whether or not somebody reads the output.
 */
export function readExec(socket: WebSocket, instance: string, caller: Leaving): Pick<Exec, "output" | "exit"> {
  const unread: ExecOutput[] = [];
  let end: "ended" | { readonly failure: unknown } | null = null;
  let wake = (): void => undefined;
  const exit = new Promise<ExecExit>((resolve, reject) => {
    const fail = (failure: unknown): void => {
      end ??= { failure };
      reject(failure);
      wake();
    };
    const take = (data: Buffer): void => {
      const frame = decodeExecFrame(data);
      if (frame.type === "stdout" || frame.type === "stderr") unread.push({ stream: frame.type, bytes: frame.bytes });
      if (unread.length >= maxUnread) socket.pause();
      if (frame.type === "error") fail(ConstellationError.fromJSON(frame.error));
      if (frame.type === "exit") {
        end ??= "ended";
        resolve({ code: frame.code, signal: frame.signal });
      }
      wake();
    };
    socket.on("message", (data: Buffer) => {
      try {
        take(data);
      } catch (error) {
        fail(error);
        socket.terminate();
      }
    });
    socket.on("error", (error) => fail(caller.isLeft ? left(instance, error) : error));
    socket.on("close", () => fail(caller.isLeft ? left(instance) : cut(instance)));
  });
  // Who reads only the output is told there.
  exit.catch(() => undefined);

  async function* output(): AsyncGenerator<ExecOutput, void, undefined> {
    try {
      for (;;) {
        const next = unread.shift();
        if (next !== undefined) yield next;
        else if (end === "ended") return;
        else if (end !== null) throw end.failure;
        else {
          socket.resume();
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    } finally {
      if (end === null || socket.isPaused) caller.leave();
    }
  }
  return { output: output(), exit };
}

/** The caller has ended it: by its signal, by `close`, or by leaving the loop over the output. */
export const left = (instance: string, cause?: unknown): ConstellationError =>
  new ConstellationError("call.cancelled", `The program in ${instance} was ended by its caller`, { cause });

const cut = (instance: string): ConstellationError =>
  new ConstellationError("daemon.unreachable", `The connection to ${instance} ended before its program did`, {
    remedy: "The daemon has ended, and with it the program: see `constellation daemon status`, and run it again.",
  });
