import type { IncomingMessage, ServerResponse } from "node:http";

/** What ends the signals of all exchanges when the server closes. */
export class Closing {
  readonly #closing: AbortSignal;
  readonly #listening = new Set<AbortController>();

  constructor(closing: AbortSignal) {
    this.#closing = closing;
    // One listener for all: each costs more than the rest of a small call.
    closing.addEventListener("abort", () => this.#listening.forEach((stop) => stop.abort()));
  }

  /** A signal that aborts when the server closes, or the caller is gone before it has its answer. */
  signalFor(response: ServerResponse): AbortSignal {
    const stop = new AbortController();
    this.#listening.add(stop);
    response.once("close", () => {
      this.#listening.delete(stop);
      if (!response.writableFinished) stop.abort();
    });
    if (this.#closing.aborted || response.destroyed) stop.abort();
    return stop.signal;
  }
}

/** One request with its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #closing: Closing;
  #signal: AbortSignal | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, closing: Closing) {
    this.request = request;
    this.response = response;
    this.#closing = closing;
  }

  /** Aborted when the caller is gone or the server closes. Made when it is asked for: most calls never look at it. */
  get signal(): AbortSignal {
    return (this.#signal ??= this.#closing.signalFor(this.response));
  }
}
