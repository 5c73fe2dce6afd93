import { generator } from "./generator.ts";
import { macrotask, type Host, type HostTimer, type LogLevel } from "../host.ts";

/** A line that was logged. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
  readonly detail: unknown;
}

const nextTurn = macrotask();

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A host with virtual time: nothing happens until the test says so, and then as much as it says. Promises of the code
 * under test settle between two steps.
 */
export class ManualHost implements Host {
  readonly lines: LogLine[] = [];
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  readonly #tasks: (() => void)[] = [];
  readonly #random: () => number;

  /** @param seed Makes `random()` repeatable. @default 1 */
  constructor(seed = 1) {
    this.#random = generator(seed);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  soon(task: () => void): void {
    this.#tasks.push(task);
  }

  later(task: () => void): void {
    this.#tasks.push(task);
  }

  after(delayMs: number, task: () => void): HostTimer {
    const timer = { dueMs: this.#nowMs + delayMs, order: this.#order++, task };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  random(): number {
    return this.#random();
  }

  log(level: LogLevel, text: string, detail?: unknown): void {
    this.lines.push({ level, text, detail });
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Runs everything that can run now, promises included. @throws Error when that does not end after `steps` steps. */
  async settle(steps = 100_000): Promise<void> {
    let quiet = 0;
    for (let step = 0; step < steps; step += 1) {
      const task = this.#tasks.shift();
      if (task !== undefined) {
        task();
        quiet = 0;
      } else {
        // Promises that wait for promises: each turn of the real event loop settles a whole chain of them.
        await new Promise<void>((resolve) => nextTurn(resolve));
        quiet += 1;
        if (quiet === 2 && this.#tasks.length === 0) return;
      }
    }
    throw new Error(`The system did not come to rest within ${steps} steps: something in it goes on for ever`);
  }

  /** Moves the clock without ringing anything, as when the event loop was blocked for `durationMs`. */
  jump(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  /** Lets `durationMs` of virtual time pass, timer by timer. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.settle();
    for (let timer = this.#nextDue(untilMs); timer !== undefined; timer = this.#nextDue(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.task();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): Timer | undefined {
    return this.#timers
      .filter((timer) => timer.dueMs <= untilMs)
      .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}
