import type { EngineClock } from "../clock.ts";

interface Timer {
  readonly ttlMs: number;
  deadlineMs: number;
  cancel: () => void;
}

/** When leases end. A renewal only moves the deadline; the alarm looks at it when it rings. */
export class LeaseTimers {
  readonly #clock: EngineClock;
  readonly #expired: (id: string) => void;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: EngineClock, expired: (id: string) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  start(id: string, ttlMs: number): void {
    const timer: Timer = { ttlMs, deadlineMs: this.#clock.monotonicMs() + ttlMs, cancel: () => undefined };
    this.#timers.set(id, timer);
    this.#arm(id, timer, ttlMs);
  }

  /** Starts the time again; false when the lease is gone. */
  renew(id: string): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined) return false;
    timer.deadlineMs = this.#clock.monotonicMs() + timer.ttlMs;
    return true;
  }

  has(id: string): boolean {
    return this.#timers.has(id);
  }

  stop(id: string): void {
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
  }

  stopAll(): void {
    for (const id of this.#timers.keys()) this.stop(id);
  }

  #arm(id: string, timer: Timer, delayMs: number): void {
    timer.cancel = this.#clock.after(delayMs, () => {
      const leftMs = timer.deadlineMs - this.#clock.monotonicMs();
      if (leftMs > 0) {
        this.#arm(id, timer, leftMs);
        return;
      }
      this.#timers.delete(id);
      this.#expired(id);
    });
  }
}
