import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { PassThrough, type Readable } from "node:stream";
import { launchBinary } from "../../binary.ts";
import { LaunchError, refusalError, stepError } from "../launch-error.ts";
import { encodePlan } from "../plan/encode-plan.ts";
import type { LaunchPlan } from "../plan/plan.ts";
import type { TerminalSize } from "./exec-plan.ts";
import { withPipes } from "../with-pipes.ts";
import { encodeFrame, type Frame, FRAME_CONTENT_BYTES, FrameReader, frameTypes } from "./frames.ts";

/** How a command inside an instance ended. */
export type ExecEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: number };

const CLD_EXITED = 1;
const KIND_ENDED = 1;

/**
 * A command that runs inside an instance, until it ends or the session is closed. With a terminal everything comes on
 * `output`.
 */
export class ExecSession {
  readonly output: Readable;
  readonly errorOutput: Readable;
  /** Resolves when the command runs. @throws LaunchError STEP_FAILED, PLAN_REFUSED, LAUNCHER_GONE */
  readonly started: Promise<number>;
  /** Resolves when the command has ended. @throws LaunchError as `started`, and LAUNCHER_GONE when the session was closed first */
  readonly ended: Promise<ExecEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #plan: LaunchPlan;
  readonly #output = new PassThrough();
  readonly #errorOutput = new PassThrough();
  #closed = false;
  readonly #settle: {
    started(pid: number): void;
    ended(end: ExecEnd): void;
    failed(error: Error): void;
  };

  private constructor(plan: LaunchPlan) {
    this.#plan = plan;
    this.output = this.#output;
    this.errorOutput = this.#errorOutput;
    let begin: { resolve(pid: number): void; reject(error: Error): void } | undefined;
    let finish: { resolve(end: ExecEnd): void; reject(error: Error): void } | undefined;
    this.started = new Promise((resolve, reject) => (begin = { resolve, reject }));
    this.ended = new Promise((resolve, reject) => (finish = { resolve, reject }));
    // Whoever looks at only one of the two must not be killed by the other's rejection.
    this.started.catch(() => {});
    this.ended.catch(() => {});
    this.#settle = {
      started: (pid) => begin?.resolve(pid),
      ended: (end) => finish?.resolve(end),
      failed: (error) => {
        begin?.reject(error);
        finish?.reject(error);
      },
    };
    this.#child = withPipes(spawn(launchBinary("launcher"), ["session"], { stdio: ["pipe", "pipe", "pipe"], env: {} }));
    this.#listen();
    this.#send(frameTypes.plan, encodePlan(plan));
  }

  /** Starts the plan of {@link buildExecPlan}. Abort ends the command. @throws LaunchError LAUNCHER_GONE */
  static start(plan: LaunchPlan, { signal }: { readonly signal?: AbortSignal } = {}): ExecSession {
    signal?.throwIfAborted();
    const session = new ExecSession(plan);
    const abort = (): void => session.close();
    signal?.addEventListener("abort", abort, { once: true });
    void session.ended.catch(() => {}).finally(() => signal?.removeEventListener("abort", abort));
    return session;
  }

  /** Sends input. Resolves when it has been taken over, so that a fast writer does not fill the memory. */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += FRAME_CONTENT_BYTES)
      if (!this.#send(frameTypes.input, data.subarray(at, at + FRAME_CONTENT_BYTES))) await this.#drained();
  }

  /** Ends the input: the command reads the end of the file. */
  endInput(): void {
    this.#send(frameTypes.endOfInput, new Uint8Array());
  }

  /** Changes the size of the terminal; nothing without one. */
  resize({ rows, columns }: TerminalSize): void {
    const size = Buffer.alloc(4);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    this.#send(frameTypes.windowSize, size);
  }

  /** Sends a signal to the command and its process group. */
  signal(number: number): void {
    const content = Buffer.alloc(4);
    content.writeUInt32LE(number);
    this.#send(frameTypes.signal, content);
  }

  /** Kills the command if it still runs. What it says from now on is for those who read as fast as it comes. */
  close(): void {
    this.#closed = true;
    this.#child.stdin.destroy();
    this.#child.stdout.resume();
  }

  #send(type: number, content: Uint8Array): boolean {
    return this.#child.stdin.destroyed || this.#child.stdin.write(encodeFrame(type, content));
  }

  #drained(): Promise<void> {
    const { stdin } = this.#child;
    return new Promise((resolve) => {
      const done = (): void => {
        stdin.off("drain", done);
        stdin.off("close", done);
        resolve();
      };
      stdin.on("drain", done);
      stdin.on("close", done);
    });
  }

  #listen(): void {
    const reader = new FrameReader();
    const complaints: Buffer[] = [];
    const { stdin, stdout, stderr } = this.#child;
    stdin.on("error", () => {}); // the end of the process tells the same
    stderr.on("data", (part: Buffer) => void complaints.push(part));
    stdout.on("data", (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#take(frame);
    });
    for (const stream of [this.#output, this.#errorOutput]) stream.on("drain", () => stdout.resume());
    this.#child.on("error", (error) => this.#lost(error));
    this.#child.on("close", () => {
      this.#lost(new Error(Buffer.concat(complaints).toString().trim() || "the session ended without an answer"));
      this.#output.end();
      this.#errorOutput.end();
    });
  }

  #take({ type, content }: Frame): void {
    if (type === frameTypes.output) this.#pass(this.#output, content);
    else if (type === frameTypes.errorOutput) this.#pass(this.#errorOutput, content);
    else if (type === frameTypes.started) this.#settle.started(content.readUInt32LE(0));
    else if (type === frameTypes.end) this.#finish(content);
  }

  /** Whoever does not read makes the command wait. */
  #pass(stream: PassThrough, content: Buffer): void {
    if (this.#closed && stream.writableNeedDrain) return;
    if (!stream.write(content) && !this.#closed) this.#child.stdout.pause();
  }

  #finish(content: Buffer): void {
    const code = content.readInt32LE(4);
    const value = content.readInt32LE(8);
    if (content.readUInt32LE(0) !== KIND_ENDED) {
      this.#settle.failed(stepError(this.#plan, content.readUInt32LE(12), content.readInt32LE(16)));
      return;
    }
    this.#settle.started(0); // it may have ended before it could say that it runs
    this.#settle.ended(code === CLD_EXITED ? { kind: "exited", exitCode: value } : { kind: "signaled", signal: value });
  }

  #lost(cause: Error): void {
    const refused = /^plan refused at step (\d+): errno (\d+)/u.exec(cause.message);
    this.#settle.failed(
      refused === null
        ? new LaunchError(`Cannot run a command in ${this.#plan.name}: ${cause.message}`, {
            code: "LAUNCHER_GONE",
            cause,
          })
        : refusalError(this.#plan, Number(refused[1]), Number(refused[2])),
    );
  }
}
