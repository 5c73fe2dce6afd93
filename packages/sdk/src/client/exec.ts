import { connect } from "node:net";
import { encodeExecFrame, type ExecFrame } from "@constellation/contract";
import { left, readExec } from "./exec-frames.ts";
import { readError, target } from "./transport.ts";
import { unreachable } from "./unreachable.ts";
import { whenAborted } from "./when-aborted.ts";

/** Input travels in frames of at most so many bytes. */
const maxInputBytes = 65_536;

/** How to run a program inside an instance. */
export interface ExecOptions {
  /** Give the program a terminal. @default false */
  readonly tty?: boolean | undefined;
  /** Size of the terminal. @default 80 by 24 */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Ends the program; what waits for it throws `call.cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** Some bytes that a program wrote. */
export interface ExecOutput {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

/** How a program ended: its exit code, or the number of the signal that ended it. */
export interface ExecExit {
  readonly code: number | null;
  readonly signal: number | null;
}

/** A program running inside an instance. */
export interface Exec {
  /** Its output in order; ends when it has ended. Leaving the loop ends the program, as {@link close} does. */
  readonly output: AsyncIterable<ExecOutput>;
  /**
   * How it ended; rejects when it never ran, or was ended by its caller (`call.cancelled`). A program that says more than is
   * read waits with it, as one does behind a full pipe: read {@link output}, also what is not wanted.
   */
  readonly exit: Promise<ExecExit>;
  /** Resolves when the bytes have left this process; what is written meanwhile follows them. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** After all that was written. */
  endInput(): void;
  resize(columns: number, rows: number): void;
  /** @param number of the signal, 15 is SIGTERM */
  signal(number: number): void;
  /** Ends the program and everything it started. */
  close(): void;
}

/**
 * Runs a program inside an instance.
 *
 * @throws ConstellationError `daemon.unreachable`, `call.cancelled`
 */
export async function exec(
  socketPath: string,
  instance: string,
  argv: readonly string[],
  { tty, columns, rows, signal }: ExecOptions = {},
): Promise<Exec> {
  const { WebSocket } = await import("ws");
  if (signal?.aborted === true) throw left(instance, signal.reason);
  const query = { argv: JSON.stringify(argv), tty, columns, rows };
  const socket = new WebSocket(`ws://localhost${target("exec", { params: { instance }, query })}`, {
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
  });
  const caller = {
    isLeft: false,
    leave: () => {
      caller.isLeft = true;
      socket.terminate();
    },
  };
  const letGo = whenAborted(signal, caller.leave);
  socket.once("close", letGo);
  const { output, exit } = readExec(socket, instance, caller);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (error) => reject(caller.isLeft ? left(instance, error) : unreachable(socketPath, error)));
    socket.once("unexpected-response", (_, response) => {
      readError(response, "exec").then(reject, reject).finally(caller.leave);
    });
  });

  const send = (frame: ExecFrame): Promise<void> =>
    new Promise((resolve) => {
      // A program that has ended takes nothing more; how it ended is told by `exit`.
      socket.send(encodeExecFrame(frame), () => resolve());
    });
  // Who does not wait for what is written has it written in its order all the same, and the end after it.
  let sent = Promise.resolve();
  const afterwards = (work: () => Promise<void>): Promise<void> => {
    const done = sent.then(work);
    sent = done.catch(() => undefined);
    return done;
  };
  return {
    output,
    exit,
    write: (bytes) =>
      afterwards(async () => {
        const whole = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
        for (let at = 0; at < whole.length; at += maxInputBytes)
          await send({ type: "stdin", bytes: whole.subarray(at, at + maxInputBytes) });
      }),
    endInput: () => void afterwards(() => send({ type: "stdin-end" })),
    resize: (width, height) => void send({ type: "resize", columns: width, rows: height }),
    signal: (number) => void send({ type: "signal", signal: number }),
    close: caller.leave,
  };
}
