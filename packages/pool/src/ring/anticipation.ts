import { availableParallelism } from "node:os";

/** How long before a frame is due its reader wakes up: timers come 50 µs late and more, and to wake up takes 15 to 30. */
const leadMs = 0.15;
/** And how long after that time it goes on looking. */
const graceMs = 0.1;
/** So many intervals in a row have to be alike before anything is expected. */
const steadyAfter = 8;
/** Alike: no further from the mean than this share of it. */
const tolerance = 0.05;
/** Looking must not take more than a tenth of the time. */
const shortestPeriodMs = 10 * leadMs;
/** Longer periods are left alone: clocks and timers drift apart, and who waits so long can wait for a wake-up. */
const longestPeriodMs = 100;

/**
 * Learns when the frames of a regular stream come, so that their reader can be awake by then instead of being woken by
 * them. It costs some 0.1 ms of a core for each frame while frames come regularly, and nothing when they do not.
 */
export class Anticipation {
  readonly #isPossible = availableParallelism() > 1;
  #periodMs = 0;
  #lastMs = 0;
  #steady = 0;

  /** A frame was waited for and has come. */
  came(nowMs: number): void {
    const intervalMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const isAlike = Math.abs(intervalMs - this.#periodMs) <= tolerance * this.#periodMs;
    this.#steady = isAlike ? this.#steady + 1 : 0;
    this.#periodMs = isAlike ? this.#periodMs + (intervalMs - this.#periodMs) / 8 : intervalMs;
  }

  /** How long the reader can sleep until it should look for the next frame; 0 when nobody knows. */
  sleepMs(nowMs: number): number {
    if (!this.#isPossible || this.#steady < steadyAfter) return 0;
    if (this.#periodMs < shortestPeriodMs || this.#periodMs > longestPeriodMs) return 0;
    return Math.max(0, this.#lastMs + this.#periodMs - leadMs - nowMs);
  }

  /** Whether it is still worth to look. When it is not, regularity has to be seen anew. */
  goesOn(nowMs: number): boolean {
    if (nowMs <= this.#lastMs + this.#periodMs + graceMs) return true;
    this.#steady = 0;
    return false;
  }
}
