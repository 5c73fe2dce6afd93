/**
 * A signal that aborts after a time, or with another one. Unlike `AbortSignal.timeout` and `AbortSignal.any` it is let go
 * of when the work is done: with hundreds of writes a second theirs would pile up until the time is over.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #other: AbortSignal | undefined;

  constructor(timeoutMs: number, other?: AbortSignal) {
    this.#other = other;
    this.#timer = setTimeout(
      () => this.#abort(new DOMException(`${timeoutMs} ms are over`, "TimeoutError")),
      timeoutMs,
    );
    other?.addEventListener("abort", this.#follow);
    if (other?.aborted === true) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#other?.removeEventListener("abort", this.#follow);
  }

  readonly #follow = (): void => this.#abort(this.#other?.reason);

  #abort(reason: unknown): void {
    this.clear();
    this.#controller.abort(reason);
  }
}
