interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Whether the workers of the beginning have all become warm. A failure is told to those who wait; who asks when another
 * attempt has been better waits for the rest.
 */
export class Readiness {
  readonly #waiters = new Set<Waiter>();
  readonly #lastFailure: () => Error | null;
  #outcome: { readonly kind: "open" | "ready" } | { readonly kind: "never"; readonly error: Error } = {
    kind: "open",
  };

  /** `lastFailure` tells how the last attempt has failed, while none has succeeded since. */
  constructor(lastFailure: () => Error | null) {
    this.#lastFailure = lastFailure;
  }

  when(): Promise<void> {
    return new Promise((resolve, reject) => {
      const failure = this.#outcome.kind === "never" ? this.#outcome.error : this.#lastFailure();
      if (this.#outcome.kind === "ready") resolve();
      else if (failure !== null) reject(failure);
      else this.#waiters.add({ resolve, reject });
    });
  }

  reached(): void {
    this.#outcome = { kind: "ready" };
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters.clear();
  }

  /** An attempt has failed; there will be others. */
  failed(error: Error): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters.clear();
  }

  /** There will be no other attempt. */
  gaveUp(error: Error): void {
    if (this.#outcome.kind === "open") this.#outcome = { kind: "never", error };
    this.failed(error);
  }
}
