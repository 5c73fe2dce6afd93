import { availableParallelism } from "node:os";

/**
 * How long before a frame is due its reader wakes up. Timers come 50 µs late and more, and to wake up takes 15 to 70, by
 * machine: who wakes too late takes more, who is in time a little less, so that one of thirty comes too late.
 */
const lead = { firstMs: 0.15, leastMs: 0.05, mostMs: 0.3, mostShare: 1 / 8, moreMs: 0.03, lessMs: 0.001 };
/** And how long after that time it goes on looking. */
const graceMs = 0.1;
/** Where looking takes a fifth of the time at most. */
const shortestPeriodMs = 1.5;
/** Longer periods are left alone: who waits so long can wait for a wake-up. */
const longestPeriodMs = 100;
/** Intervals from which a period is learned. */
const learnedFrom = 8;
/** A frame that is off by more than this share of the period does not belong to what was learned. */
const mostOff = 0.25;
/** Three that belong make up for one that does not; with so many more of those the stream is learned anew. */
const mostStrange = 12;
/** How far one frame moves what is known; frames come late more often than early, so they move little. */
const gain = { phase: 0.1, period: 0.01 };
const mostStepMs = 0.15;
/** Looks in vain cost two that paid; below 0 nobody looks until frames have come in time again. */
const trust = { least: -16, most: 8 };

/**
 * Learns when the frames of a regular stream come (an alpha-beta filter), so that their reader can be awake by then
 * instead of being woken by them. It costs 0.05 to 0.2 ms of a core for each frame while frames come in time, and nothing
 * when they do not.
 */
export class Anticipation {
  readonly #isPossible = availableParallelism() > 1;
  #firstMs = -1;
  #intervals = 0;
  #periodMs = 0;
  #dueMs = 0;
  #strange = 0;
  #trust = 0;
  #leadMs = lead.firstMs;

  /** A frame was waited for and has come. */
  came(nowMs: number): void {
    if (this.#intervals < learnedFrom) {
      this.#learn(nowMs);
      return;
    }
    // Frames that nobody waited for have passed meanwhile.
    const passed = Math.max(0, Math.round((nowMs - this.#dueMs) / this.#periodMs));
    this.#dueMs += passed * this.#periodMs;
    const offMs = nowMs - this.#dueMs;
    if (Math.abs(offMs) > mostOff * this.#periodMs) {
      this.#strange += 3;
      if (this.#strange > mostStrange) this.#forget(nowMs);
      return;
    }
    this.#strange = Math.max(0, this.#strange - 1);
    const byMs = Math.max(-mostStepMs, Math.min(mostStepMs, offMs));
    this.#periodMs += gain.period * byMs;
    this.#dueMs += this.#periodMs + gain.phase * byMs;
    this.#trust = Math.min(trust.most, this.#trust + 1);
  }

  /** How long the reader can sleep until it should look for the next frame; 0 when nobody knows. */
  sleepMs(nowMs: number): number {
    if (!this.#isPossible || this.#intervals < learnedFrom || this.#trust < 0) return 0;
    if (this.#periodMs < shortestPeriodMs || this.#periodMs > longestPeriodMs) return 0;
    return Math.max(0, this.#dueMs - Math.min(this.#leadMs, this.#periodMs * lead.mostShare) - nowMs);
  }

  /** The reader was awake: in time, or when the frame was there already. */
  woke(inTime: boolean): void {
    this.#leadMs = inTime
      ? Math.max(lead.leastMs, this.#leadMs - lead.lessMs)
      : Math.min(lead.mostMs, this.#leadMs + lead.moreMs);
  }

  /** Whether it is still worth to look. */
  goesOn(nowMs: number): boolean {
    if (nowMs <= this.#dueMs + graceMs) return true;
    this.#trust = Math.max(trust.least, this.#trust - 2);
    return false;
  }

  #learn(nowMs: number): void {
    if (this.#firstMs < 0) {
      this.#firstMs = nowMs;
      return;
    }
    this.#intervals += 1;
    this.#periodMs = (nowMs - this.#firstMs) / this.#intervals;
    this.#dueMs = nowMs + this.#periodMs;
  }

  #forget(nowMs: number): void {
    this.#firstMs = nowMs;
    this.#intervals = 0;
    this.#strange = 0;
    this.#trust = 0;
  }
}
