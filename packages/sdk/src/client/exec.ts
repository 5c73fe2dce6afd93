import { connect } from "node:net";
import { ConstellationError, encodeExecFrame, type ExecFrame } from "@constellation/contract";
import { readExecFrames } from "./exec-frames.ts";
import { target } from "./transport.ts";
import { unreachable } from "./unreachable.ts";

/** Input travels in frames of at most so many bytes. */
const maxInputBytes = 65_536;

/** How to run a program inside an instance. */
export interface ExecOptions {
  /** Give the program a terminal. @default false */
  readonly tty?: boolean;
  /** Size of the terminal. @default 80 by 24 */
  readonly columns?: number;
  readonly rows?: number;
  /** Ends the program. */
  readonly signal?: AbortSignal;
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
  /** Its output in order; ends when it has ended. */
  readonly output: AsyncIterable<ExecOutput>;
  /** How it ended; rejects when it never ran. Comes after {@link output} was read to its end. */
  readonly exit: Promise<ExecExit>;
  /** Resolves when the bytes have left this process. */
  write(bytes: Uint8Array | string): Promise<void>;
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
 * @throws ConstellationError `daemon.unreachable`
 */
export async function exec(
  socketPath: string,
  instance: string,
  argv: readonly string[],
  { tty, columns, rows, signal }: ExecOptions = {},
): Promise<Exec> {
  const { WebSocket } = await import("ws");
  const query = { argv: JSON.stringify(argv), tty, columns, rows };
  const socket = new WebSocket(`ws://localhost${target("exec", { params: { instance }, query })}`, {
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
  });
  const frames = readExecFrames(socket, instance);
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (error) => reject(unreachable(socketPath, error)));
  });
  const close = (): void => socket.terminate();
  signal?.addEventListener("abort", close, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", close));
  if (signal?.aborted === true) close();

  const send = (frame: ExecFrame): Promise<void> =>
    new Promise((resolve) => {
      // A program that has ended takes nothing more; how it ended is told by `exit`.
      socket.send(encodeExecFrame(frame), () => resolve());
    });
  return {
    ...read(frames),
    write: async (bytes) => {
      const whole = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < whole.length; at += maxInputBytes)
        await send({ type: "stdin", bytes: whole.subarray(at, at + maxInputBytes) });
    },
    endInput: () => void send({ type: "stdin-end" }),
    resize: (width, height) => void send({ type: "resize", columns: width, rows: height }),
    signal: (number) => void send({ type: "signal", signal: number }),
    close,
  };
}

function read(frames: AsyncIterable<ExecFrame>): Pick<Exec, "output" | "exit"> {
  let settle: { resolve: (exit: ExecExit) => void; reject: (error: unknown) => void };
  const exit = new Promise<ExecExit>((resolve, reject) => (settle = { resolve, reject }));
  // Who reads only the output is told there.
  exit.catch(() => undefined);
  async function* output(): AsyncGenerator<ExecOutput, void, undefined> {
    try {
      for await (const frame of frames) {
        if (frame.type === "stdout" || frame.type === "stderr") yield { stream: frame.type, bytes: frame.bytes };
        else if (frame.type === "error") throw ConstellationError.fromJSON(frame.error);
        else if (frame.type === "exit") return settle.resolve({ code: frame.code, signal: frame.signal });
      }
    } catch (error) {
      settle.reject(error);
      throw error;
    }
  }
  return { output: output(), exit };
}
