import type { Host, HostTimer } from "../host.ts";
import { TimerWheel, type WheelEntry } from "./timer-wheel.ts";

/** All timers of a system: one wheel, and one timer of the host for the earliest of them. */
export class AlarmClock {
  readonly #host: Host;
  readonly #wheel: TimerWheel;
  #timer: HostTimer | null = null;
  #ringsMs = Infinity;
  /** With nothing to wait for, the host's timer is left to run out but does not keep the process alive. */
  #holdsProcess = false;
  #isClosed = false;

  constructor(host: Host) {
    this.#host = host;
    this.#wheel = new TimerWheel(host.nowMs());
  }

  /** How many entries are armed. */
  get size(): number {
    return this.#wheel.size;
  }

  nowMs(): number {
    return this.#host.nowMs();
  }

  /** Arms `entry` to expire in `delayMs`. */
  arm(entry: WheelEntry, delayMs: number): void {
    const nowMs = this.#host.nowMs();
    this.#wheel.add(entry, nowMs + delayMs, nowMs);
    this.#schedule(nowMs + delayMs, nowMs);
  }

  /** Arms `entry` to expire at a time of `nowMs()`. */
  armAt(entry: WheelEntry, deadlineMs: number): void {
    const nowMs = this.#host.nowMs();
    this.#wheel.add(entry, deadlineMs, nowMs);
    this.#schedule(deadlineMs, nowMs);
  }

  /** False when it was not armed. */
  disarm(entry: WheelEntry): boolean {
    const removed = this.#wheel.remove(entry);
    if (this.#wheel.size === 0 && this.#holdsProcess) {
      this.#holdsProcess = false;
      this.#timer?.unref?.();
    }
    return removed;
  }

  /** Lets the process end. What is still armed, such as an ask of somebody elsewhere, rings if it does not. */
  close(): void {
    this.#isClosed = true;
    this.#holdsProcess = false;
    if (this.#wheel.size > 0) {
      this.#timer?.unref?.();
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#ringsMs = Infinity;
  }

  #schedule(deadlineMs: number, nowMs: number): void {
    if (deadlineMs < this.#ringsMs) {
      this.#timer?.cancel();
      this.#ringsMs = Math.ceil(deadlineMs);
      // Whole milliseconds, rounded up: engines cut fractions off, and would call too early.
      this.#timer = this.#host.after(Math.max(0, Math.ceil(this.#ringsMs - nowMs)), this.#ring);
      this.#holdsProcess = !this.#isClosed;
      if (this.#isClosed) this.#timer.unref?.();
    } else if (!this.#holdsProcess && !this.#isClosed) {
      this.#holdsProcess = true;
      this.#timer?.ref?.();
    }
  }

  readonly #ring = (): void => {
    this.#timer = null;
    this.#ringsMs = Infinity;
    this.#holdsProcess = false;
    this.#wheel.advance(this.#host.nowMs());
    const nextMs = this.#wheel.nextMs();
    if (nextMs !== null) this.#schedule(nextMs, this.#host.nowMs());
  };
}
