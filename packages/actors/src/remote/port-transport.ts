import { asError } from "../vocabulary/as-error.ts";
import { checkPackets, type Packet } from "./packet.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** What this transport needs of a port: a `MessagePort`, a browser's `Worker`, or `self` inside of one. */
export interface PortLike {
  postMessage(message: unknown): void;
  addEventListener(
    type: "message" | "messageerror" | "error" | "close",
    listener: (event: { readonly data?: unknown; readonly message?: unknown }) => void,
  ): void;
  start?(): void;
  close?(): void;
}

/** Carries packets over a port by structured clone, a batch in each post. */
export class PortTransport implements Transport {
  readonly #port: PortLike;
  #events: TransportEvents | null = null;
  #isClosed = false;

  constructor(port: PortLike) {
    this.#port = port;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#port.addEventListener("message", ({ data }) => this.#receive(data));
    this.#port.addEventListener("messageerror", () =>
      this.#end(new Error("A message could not be read by this thread")),
    );
    this.#port.addEventListener("error", ({ message }) =>
      this.#end(new Error(`The other thread failed: ${String(message)}`)),
    );
    this.#port.addEventListener("close", () => this.#end(null));
    this.#port.start?.();
  }

  send(packets: readonly Packet[]): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port or worker, not a window
    this.#port.postMessage(packets);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events = null;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port or worker, not a window
    this.#port.postMessage("bye");
    this.#port.close?.();
  }

  #receive(data: unknown): void {
    if (data === "bye") {
      this.#end(null);
      return;
    }
    try {
      this.#events?.packets(checkPackets(data));
    } catch (error) {
      this.#end(asError(error));
    }
  }

  #end(error: Error | null): void {
    const events = this.#events;
    this.#events = null;
    events?.closed(error);
  }
}
