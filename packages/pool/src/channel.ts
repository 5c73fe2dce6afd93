import type { Transferable } from "node:worker_threads";
import { bystander } from "./bystander.ts";

/** One end of the two-way channel between a leased worker's module and the holder of the lease. */
export interface Channel<In = unknown, Out = unknown> {
  /**
   * Sends a copy of `message`; objects in `transfer` are handed over (threads) or copied (processes). It goes with others
   * at the end of the turn, and is not to be changed before: one that cannot be copied is an uncaught error then, and the others arrive.
   * @throws PoolError channel-full when the other end does not read what it is sent; so does `sendBytes`.
   */
  send(message: Out, transfer?: readonly Transferable[]): void;
  /** Sends a copy of these bytes, in a process as one binary frame: they are yours again at once. */
  sendBytes(bytes: Uint8Array): void;
  /** Who gets messages. Those that came before a listener was set wait for it, at most 1024. */
  onMessage(listener: (message: In) => void): void;
  /** Who gets what the other end gave to `sendBytes`. The bytes are only valid during the call. */
  onBytes(listener: (bytes: Uint8Array) => void): void;
}

const longestWait = 1024;

/** Messages on their way to a listener that may not be there yet. */
export class Inlet<T> {
  #listener: ((value: T) => void) | null = null;
  #waiting: T[] = [];
  readonly #keep: (value: T) => T;
  /** Messages that came while too many waited already. */
  dropped = 0;

  /** `keep` makes a value last that is only valid while it is delivered. */
  constructor(keep: (value: T) => T = (value) => value) {
    this.#keep = keep;
  }

  listen(listener: (value: T) => void): void {
    const tell = bystander(listener);
    this.#listener = tell;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const value of waiting) tell(value);
  }

  deliver(value: T): void {
    if (this.#listener !== null) this.#listener(value);
    else if (this.#waiting.length < longestWait) this.#waiting.push(this.#keep(value));
    else this.dropped += 1;
  }
}

/** Where what the other end sends arrives; each lease has its own, at both ends. */
export class Inlets {
  readonly messages = new Inlet<unknown>();
  /** The memory of a block belongs to somebody else. */
  readonly bytes = new Inlet<Uint8Array>((bytes) => new Uint8Array(bytes));
}
