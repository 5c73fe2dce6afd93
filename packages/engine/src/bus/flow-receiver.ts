import type { EngineClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import type { AcceptFlowOptions, FlowReceiver, Subscription } from "./bus.ts";
import { decodeFrame, encodeAnswer, type FlowAnswer, maxFrameBytes, minFrameCost } from "./flow-frame.ts";
import type { FlowCarrier } from "./flow-sender.ts";

const defaultWindowBytes = 1024 * 1024;
const defaultSilenceMs = 15_000;
/** How long a sender that waits for room may hear nothing of a consumer that takes something. */
const quietGrantMs = 1000;

/** Takes flows over plain messages; see {@link openFlow} for the other end. */
export function acceptFlows(
  bus: FlowCarrier,
  clock: EngineClock,
  pattern: string,
  accept: (flow: FlowReceiver) => void | Promise<void>,
  { windowBytes = defaultWindowBytes, silenceMs = defaultSilenceMs, queue, signal }: AcceptFlowOptions,
): Subscription {
  if (!(windowBytes >= maxFrameBytes)) {
    throw new RangeError(
      `Cannot accept flows with a window of ${windowBytes} bytes: it must be at least ${maxFrameBytes}`,
    );
  }
  if (!(silenceMs > 0)) {
    throw new RangeError(`Cannot accept flows whose senders may be silent for ${silenceMs} ms: give a number above 0`);
  }
  return bus.subscribe(
    pattern,
    ({ subject, body, respond }) => {
      const id = Buffer.from(body).toString("latin1");
      if (respond === undefined || !/^[0-9a-f]{24}$/.test(id)) return;
      const receiver = new Receiver(bus, clock, subject, id, windowBytes, silenceMs);
      respond(new Uint8Array());
      receiver.begin();
      // One flow must not hold up the next one's opening; a failing consumer stops its own sender.
      const accepting = async (): Promise<void> => accept(receiver);
      accepting().catch((error: unknown) => receiver.stop(String(error)));
    },
    { ...(queue === undefined ? {} : { queue }), ...(signal === undefined ? {} : { signal }) },
  );
}

/** `ended`: everything has come; `taken`: and its consumer has it. */
type State =
  | { readonly kind: "open" }
  | { readonly kind: "ended" }
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly error: EngineError };

class Receiver implements FlowReceiver {
  readonly subject: string;
  readonly #bus: FlowCarrier;
  readonly #clock: EngineClock;
  readonly #answers: string;
  readonly #windowBytes: number;
  readonly #silenceMs: number;
  readonly #frames: Subscription;
  readonly #waiting: Uint8Array[] = [];
  #state: State = { kind: "open" };
  #sequence = 0;
  #taken = 0;
  #announced = 0;
  #heardMs: number;
  #grantedMs = 0;
  #cancelSilence: () => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor(
    bus: FlowCarrier,
    clock: EngineClock,
    subject: string,
    id: string,
    windowBytes: number,
    silenceMs: number,
  ) {
    this.subject = subject;
    this.#bus = bus;
    this.#clock = clock;
    this.#answers = `flow.${id}.answers`;
    this.#windowBytes = windowBytes;
    this.#silenceMs = silenceMs;
    this.#heardMs = clock.monotonicMs();
    this.#frames = bus.subscribe(`flow.${id}.frames`, ({ body }) => this.#heard(body), {
      maxPending: Math.ceil(windowBytes / minFrameCost) + 16,
    });
    this.#watchSilence(silenceMs);
  }

  begin(): void {
    this.#grant();
  }

  stop(reason: string): void {
    if (this.#state.kind === "taken" || this.#state.kind === "failed") return;
    this.#fail(`it was stopped: ${reason}`);
    this.#answer({ kind: "stop", reason });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const bytes = this.#waiting.shift();
        if (bytes !== undefined) {
          yield bytes;
          this.#taken += Math.max(bytes.byteLength, minFrameCost);
          if (this.#grantIsDue()) this.#grant();
          continue;
        }
        if (this.#state.kind === "failed") throw this.#state.error;
        if (this.#state.kind === "taken") return;
        if (this.#state.kind === "ended") {
          this.#state = { kind: "taken" };
          this.#answer({ kind: "taken" });
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.stop("its consumer has left");
    }
  }

  #heard(body: Uint8Array): void {
    this.#heardMs = this.#clock.monotonicMs();
    const frame = decodeFrame(body);
    if (frame === undefined || this.#state.kind !== "open") return;
    if (frame.kind === "data" || frame.kind === "end") {
      if (frame.sequence !== this.#sequence) {
        this.stop(
          `frame ${frame.sequence} came where ${this.#sequence} was due; ${frame.sequence - this.#sequence} were lost`,
        );
        return;
      }
      this.#sequence += 1;
    }
    if (frame.kind === "data") this.#waiting.push(frame.bytes);
    if (frame.kind === "end") this.#finish({ kind: "ended" });
    if (frame.kind === "abort") this.#fail(`its sender gave up: ${frame.reason}`);
    this.#wake();
  }

  // Announcing every frame would double the messages; half a window is soon enough, or when nothing waits: the sender's
  // next frame may be larger than what is left of its grant. A slow consumer is no dead one, which its sender must hear.
  #grantIsDue(): boolean {
    const since = this.#taken + this.#windowBytes - this.#announced;
    const quietMs = this.#clock.monotonicMs() - this.#grantedMs;
    return this.#waiting.length === 0 || since >= this.#windowBytes / 2 || quietMs >= quietGrantMs;
  }

  #grant(): void {
    this.#grantedMs = this.#clock.monotonicMs();
    this.#announced = this.#taken + this.#windowBytes;
    this.#answer({ kind: "grant", totalBytes: this.#announced });
  }

  #fail(reason: string): void {
    this.#finish({
      kind: "failed",
      error: new EngineError("unavailable", `Cannot receive flow ${this.subject}: ${reason}`),
    });
  }

  #finish(state: State): void {
    this.#state = state;
    this.#frames.close();
    this.#cancelSilence();
    this.#wake();
  }

  #answer(answer: FlowAnswer): void {
    try {
      this.#bus.publish(this.#answers, encodeAnswer(answer));
    } catch {
      // The bus was closed: the sender learns it from the bus, too.
      if (this.#state.kind === "open") this.#fail("the bus was closed");
    }
  }

  #watchSilence(afterMs: number): void {
    this.#cancelSilence = this.#clock.after(afterMs, () => {
      const silentMs = this.#clock.monotonicMs() - this.#heardMs;
      if (silentMs >= this.#silenceMs) this.#fail(`its sender was silent for ${this.#silenceMs} ms`);
      else this.#watchSilence(this.#silenceMs - silentMs);
    });
  }
}
