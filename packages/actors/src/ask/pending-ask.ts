import { extrasOf, type Cell, type World } from "../cell/cell.ts";
import { WheelEntry } from "../time/timer-wheel.ts";
import type { ReplyTo } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import { describeExit, type ExitReason } from "../vocabulary/exit-reason.ts";

/** How long an `ask` waits when it does not say. */
export const defaultAskTimeoutMs = 5000;

/** An open ask: what the asked actor answers to, and its own timer. */
export class PendingAsk extends WheelEntry implements ReplyTo<unknown> {
  readonly #system: World;
  readonly #asked: { readonly address: string };
  readonly #resolve: (reply: unknown) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timeoutMs: number;
  #open = true;
  /** Where it waits to hear of the end of the asked actor, and its neighbours there. */
  #cell: Cell | null = null;
  #before: PendingAsk | null = null;
  #behind: PendingAsk | null = null;
  #whenClosed: (() => void) | null = null;

  constructor(
    system: World,
    asked: { readonly address: string },
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
    timeoutMs: number,
  ) {
    super();
    this.#system = system;
    this.#asked = asked;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timeoutMs = timeoutMs;
  }

  /** The message is on its way: from now on count the time, heed the signal and the end of `cell`. */
  await(cell: Cell | null, signal: AbortSignal | undefined): void {
    // The answer can be there already: a ref may answer before `send` returns.
    if (!this.#open) return;
    if (cell !== null) this.#hearOf(cell);
    if (this.#timeoutMs !== Infinity) this.#system.alarms.arm(this, this.#timeoutMs);
    if (signal !== undefined) this.#heed(signal);
  }

  /** Calls `closed` once when it is answered or given up, whatever comes first. */
  whenClosed(closed: () => void): void {
    const before = this.#whenClosed;
    this.#whenClosed =
      before === null
        ? closed
        : () => {
            before();
            closed();
          };
  }

  send(reply: unknown): void {
    if (this.#close()) this.#resolve(reply);
    else this.#system.counters.lateReplies += 1;
  }

  fail(error: unknown): void {
    if (this.#close()) this.#reject(error);
    else this.#system.counters.lateReplies += 1;
  }

  override expire(): void {
    if (this.#close())
      this.#reject(new AskError("timeout", `Asked ${this.#asked.address}: no reply within ${this.#timeoutMs} ms`));
  }

  targetEnded(reason: ExitReason): void {
    const text = `Asked ${this.#asked.address}: it ended before it replied (${describeExit(reason)})`;
    if (this.#close()) this.#reject(new AskError("dead", text, reason));
  }

  #hearOf(cell: Cell): void {
    const extras = extrasOf(cell);
    this.#cell = cell;
    this.#behind = extras.asks as PendingAsk | null;
    if (this.#behind !== null) this.#behind.#before = this;
    extras.asks = this;
  }

  #heed(signal: AbortSignal): void {
    const abort = (): void => {
      if (this.#close()) this.#reject(signal.reason);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    this.whenClosed(() => signal.removeEventListener("abort", abort));
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    if (this.previous !== null) this.#system.alarms.disarm(this);
    if (this.#cell !== null) this.#leave(this.#cell);
    this.#whenClosed?.();
    return true;
  }

  #leave(cell: Cell): void {
    if (this.#behind !== null) this.#behind.#before = this.#before;
    if (this.#before !== null) this.#before.#behind = this.#behind;
    else if (cell.extras !== null && cell.extras.asks === this) cell.extras.asks = this.#behind;
    this.#cell = null;
    this.#before = null;
    this.#behind = null;
  }
}
