import { asError } from "../vocabulary/as-error.ts";
import type { Host } from "../host.ts";
import { FrameReader, writeFrame } from "./frame.ts";
import type { Packet } from "./packet.ts";
import type { Codec, Transport, TransportEvents } from "./transport.ts";

export interface LoopbackOptions {
  /** Write and read every packet, as a network would. Without one, messages pass by reference, nothing is copied. */
  readonly codec?: Codec;
  /** Time that each batch takes. @default 0 */
  readonly delayMs?: number;
}

/** Two transports that lead to each other in one thread: the in-process transport, and with a codec one for tests. */
export interface Loopback {
  readonly here: Transport;
  readonly there: Transport;
  /** Cuts the line: both ends see an error, batches under way are lost. */
  cut(error?: Error): void;
}

export function loopback(host: Host, options: LoopbackOptions = {}): Loopback {
  const here = new LoopbackEnd(host, options);
  const there = new LoopbackEnd(host, options);
  here.other = there;
  there.other = here;
  return {
    here,
    there,
    cut: (error = new Error("The line was cut")) => {
      here.lose(error);
      there.lose(error);
    },
  };
}

class LoopbackEnd implements Transport {
  other: LoopbackEnd | null = null;
  readonly check?: (message: unknown) => void;
  readonly #host: Host;
  readonly #options: LoopbackOptions;
  readonly #reader: FrameReader | null;
  #events: TransportEvents | null = null;
  /** What came before the end was opened. */
  #early: (readonly Packet[])[] = [];
  #isClosed = false;

  constructor(host: Host, options: LoopbackOptions) {
    this.#host = host;
    this.#options = options;
    this.#reader = options.codec === undefined ? null : new FrameReader(options.codec);
    if (options.codec?.check !== undefined) {
      const { codec } = options;
      this.check = (message) => codec.check?.(message);
    }
  }

  open(events: TransportEvents): void {
    this.#events = events;
    for (const packets of this.#early) events.packets(packets);
    this.#early = [];
  }

  send(packets: readonly Packet[]): void {
    const { codec, delayMs = 0 } = this.#options;
    const frame = codec === undefined ? null : writeFrame(codec, packets);
    const arrive = (): void => {
      if (!this.#isClosed) this.other?.arrived(frame === null ? packets : frame);
    };
    if (delayMs > 0) this.#host.after(delayMs, arrive);
    else this.#host.soon(arrive);
  }

  close(): void {
    if (this.#isClosed) return;
    // What was sent is on its way already: the other end hears of the end after it.
    const { delayMs = 0 } = this.#options;
    const tell = (): void => {
      this.#isClosed = true;
      this.other?.lose(null);
    };
    if (delayMs > 0) this.#host.after(delayMs, tell);
    else this.#host.soon(tell);
  }

  arrived(batch: readonly Packet[] | Uint8Array): void {
    if (this.#isClosed) return;
    try {
      const packets = batch instanceof Uint8Array ? (this.#reader?.read(batch) ?? []) : batch;
      if (this.#events === null) this.#early.push(packets);
      else this.#events.packets(packets);
    } catch (error) {
      this.lose(asError(error));
    }
  }

  lose(error: Error | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.closed(error);
  }
}
