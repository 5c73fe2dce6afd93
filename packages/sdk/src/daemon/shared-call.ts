import { ConstellationError } from "@constellation/contract";
import { whenAborted } from "../client/when-aborted.ts";

/**
 * One call that several callers wait for and that belongs to none of them: each gives up its own waiting only. When the last
 * one has, the call itself is given up.
 */
export class SharedCall {
  readonly #giveUp = new AbortController();
  readonly #result: Promise<unknown>;
  #waiting = 0;
  #failed = false;

  constructor(call: (signal: AbortSignal) => Promise<unknown>) {
    // In a moment: a caller may have given up already.
    this.#result = Promise.resolve().then(() => call(this.#giveUp.signal));
    this.#result.catch(() => (this.#failed = true));
  }

  /** It came to nothing: whoever is next makes a new one. */
  get isVain(): boolean {
    return this.#failed || this.#giveUp.signal.aborted;
  }

  /** @throws ConstellationError `call.cancelled` when `signal` aborts; what the call throws */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    this.#waiting += 1;
    let letGo = (): void => undefined;
    const left = new Promise<never>((_, reject) => {
      letGo = whenAborted(signal, () =>
        reject(new ConstellationError("call.cancelled", "Waiting for the daemon was cancelled")),
      );
    });
    try {
      await Promise.race([this.#result, left]);
    } finally {
      letGo();
      this.#waiting -= 1;
      if (this.#waiting === 0 && signal?.aborted === true) this.#giveUp.abort();
    }
  }
}
