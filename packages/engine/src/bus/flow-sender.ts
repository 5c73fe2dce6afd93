import { randomBytes } from "node:crypto";
import { onAbort } from "../abort.ts";
import type { EngineClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import type { Bus, FlowSender, OpenFlowOptions, Subscription } from "./bus.ts";
import { decodeAnswer, encodeFrame, type FlowFrame, maxFrameBytes, minFrameCost } from "./flow-frame.ts";

/** The parts of a bus that a flow is made of; any adapter has them. */
export type FlowCarrier = Pick<Bus, "publish" | "subscribe" | "request">;

const aliveEveryMs = 5000;
const defaultStallMs = 30_000;

/** Opens a flow over plain messages: a request to whoever accepts, then frames one way and grants the other. */
export async function openFlow(
  bus: FlowCarrier,
  clock: EngineClock,
  subject: string,
  { stallMs = defaultStallMs, signal }: OpenFlowOptions,
): Promise<FlowSender> {
  const id = randomBytes(12).toString("hex");
  const sender = new Sender(bus, clock, subject, id, stallMs);
  try {
    await bus.request(subject, Buffer.from(id), {
      timeoutMs: stallMs,
      retry: "no",
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.throwIfAborted();
  } catch (error) {
    // It may have been taken all the same: its receiver should not wait for a sender that is not there.
    sender.abort("it was given up while it was opened");
    throw error;
  }
  sender.abortWith(signal);
  return sender;
}

type State =
  | { readonly kind: "open" }
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly error: EngineError };

class Sender implements FlowSender {
  readonly #bus: FlowCarrier;
  readonly #clock: EngineClock;
  readonly #subject: string;
  readonly #frames: string;
  readonly #stallMs: number;
  readonly #answers: Subscription;
  #cancelAlive: () => void = () => undefined;
  #forget: () => void = () => undefined;
  #state: State = { kind: "open" };
  #granted = 0;
  #sent = 0;
  #sequence = 0;
  #wake: () => void = () => undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(bus: FlowCarrier, clock: EngineClock, subject: string, id: string, stallMs: number) {
    this.#bus = bus;
    this.#clock = clock;
    this.#subject = subject;
    this.#frames = `flow.${id}.frames`;
    this.#stallMs = stallMs;
    this.#answers = bus.subscribe(`flow.${id}.answers`, ({ body }) => this.#answered(body));
    this.#keepAlive();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state.kind === "taken") throw this.#gone("it has ended");
      for (let start = 0; start < bytes.byteLength; start += maxFrameBytes) {
        const piece = bytes.subarray(start, start + maxFrameBytes);
        const cost = Math.max(piece.byteLength, minFrameCost);
        await this.#until(() => this.#sent + cost <= this.#granted, "room");
        this.#sent += cost;
        this.#send({ kind: "data", sequence: this.#sequence, bytes: piece });
        this.#sequence += 1;
      }
    });
  }

  end(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state.kind === "open") this.#send({ kind: "end", sequence: this.#sequence });
      await this.#until(() => this.#state.kind === "taken", "a word that everything was taken");
    });
  }

  abort(reason: string): void {
    if (this.#state.kind !== "open") return;
    try {
      this.#send({ kind: "abort", reason });
    } catch {
      // The bus was closed: the receiver's end was closed with it.
    }
    this.#fail(`the sender gave up: ${reason}`);
  }

  /** Gives up when the signal aborts. */
  abortWith(signal: AbortSignal | undefined): void {
    this.#forget = onAbort(signal, () => this.abort("its signal was aborted"));
  }

  /** Stops listening and signs of life. */
  release(): void {
    this.#forget();
    this.#answers.close();
    this.#cancelAlive();
  }

  // Writes of one flow follow each other even when the caller does not wait for them.
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #until(reached: () => boolean, wanted: string): Promise<void> {
    while (this.#state.kind !== "failed" && !reached()) {
      let cancel = (): void => undefined;
      const before = this.#granted;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        cancel = this.#clock.after(this.#stallMs, () => {
          if (this.#granted === before) this.#fail(`its receiver gave no ${wanted} for ${this.#stallMs} ms`);
          resolve();
        });
      });
      cancel();
    }
    if (this.#state.kind === "failed") throw this.#state.error;
  }

  #answered(body: Uint8Array): void {
    const answer = decodeAnswer(body);
    if (answer?.kind === "grant") this.#granted = Math.max(this.#granted, answer.totalBytes);
    if (answer?.kind === "stop") this.#fail(`its receiver stopped: ${answer.reason}`);
    if (answer?.kind === "taken") {
      this.#state = { kind: "taken" };
      this.release();
    }
    this.#wake();
  }

  #fail(reason: string): void {
    if (this.#state.kind !== "open") return;
    this.#state = { kind: "failed", error: this.#gone(reason) };
    this.release();
    this.#wake();
  }

  #gone(reason: string): EngineError {
    return new EngineError("unavailable", `Cannot send on flow ${this.#subject}: ${reason}`);
  }

  #send(frame: FlowFrame): void {
    this.#bus.publish(this.#frames, encodeFrame(frame));
  }

  #keepAlive(): void {
    this.#cancelAlive = this.#clock.after(aliveEveryMs, () => {
      try {
        this.#send({ kind: "alive" });
        this.#keepAlive();
      } catch {
        this.#fail("the bus was closed");
      }
    });
  }
}
