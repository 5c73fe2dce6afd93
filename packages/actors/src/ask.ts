import type { AskOptions, ReplyTo } from "./actor-ref.ts";
import { AskError } from "./ask-error.ts";
import type { Cell } from "./cell.ts";
import { describeExit, type ExitReason } from "./exit-reason.ts";
import { extrasOf } from "./extras.ts";
import { BUSY, RUNNING } from "./flags.ts";
import type { AnyRef } from "./foreign-ref.ts";
import { WheelEntry } from "./timer-wheel.ts";

/** How long an `ask` waits when it does not say. */
export const defaultAskTimeoutMs = 5000;

/** Sends what `build` makes to `cell` and waits for the answer. */
export function ask<Reply>(
  cell: Cell,
  build: (replyTo: ReplyTo<Reply>) => unknown,
  options: AskOptions | undefined,
): Promise<Reply> {
  return new Promise<Reply>((resolve, reject) => {
    const timeoutMs = options?.timeoutMs ?? defaultAskTimeoutMs;
    const pending = new PendingAsk(cell, resolve as (reply: unknown) => void, reject, timeoutMs);
    const outcome = cell.send(build(pending));
    if (outcome === "queued") pending.await(options?.signal);
    else pending.fail(new AskError(outcome === "dead" ? "dead" : "rejected", `Cannot ask ${cell.address}: ${outcome}`));
  });
}

/** An ask out of an actor: it knows who waits, and so finds a circle of actors that wait for each other. */
export async function call<Reply>(
  asker: Cell,
  ref: AnyRef,
  build: (replyTo: ReplyTo<Reply>) => unknown,
  options: AskOptions | undefined,
): Promise<Reply> {
  const target = ref.local;
  const waits = target !== null && (asker.flags & (RUNNING | BUSY)) !== 0;
  if (waits) refuseCircle(asker, target);
  if (waits) extrasOf(asker).awaited = target;
  try {
    return await ref.ask(build, options);
  } finally {
    if (asker.extras !== null && asker.extras.awaited === target) asker.extras.awaited = null;
  }
}

function refuseCircle(asker: Cell, target: Cell): void {
  const path = [asker.address];
  for (let cell: Cell | null = target; cell !== null; cell = cell.extras?.awaited ?? null) {
    path.push(cell.address);
    if (cell === asker)
      throw new AskError(
        "cycle",
        `Cannot ask ${target.address} from ${asker.address}: they would wait for each other for ever (${path.join(" asks ")}); send a message instead, or answer without asking back`,
      );
    if ((cell.flags & BUSY) === 0) return;
  }
}

/** An open ask: what the asked actor answers to, and its own timer. */
export class PendingAsk extends WheelEntry implements ReplyTo<unknown> {
  readonly target: Cell;
  readonly #resolve: (reply: unknown) => void;
  readonly #reject: (error: unknown) => void;
  readonly #timeoutMs: number;
  #open = true;
  /** Neighbours in the list of asks that wait for the same actor. */
  before: PendingAsk | null = null;
  behind: PendingAsk | null = null;
  #unhook: (() => void) | null = null;

  constructor(target: Cell, resolve: (reply: unknown) => void, reject: (error: unknown) => void, timeoutMs: number) {
    super();
    this.target = target;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timeoutMs = timeoutMs;
  }

  await(signal: AbortSignal | undefined): void {
    // The answer can be there already: a ref may answer before `send` returns.
    if (!this.#open) return;
    const extras = extrasOf(this.target);
    this.behind = extras.asks;
    if (extras.asks !== null) extras.asks.before = this;
    extras.asks = this;
    if (this.#timeoutMs !== Infinity) this.target.system.alarms.arm(this, this.#timeoutMs);
    if (signal !== undefined) this.#heed(signal);
  }

  send(reply: unknown): void {
    if (this.#close()) this.#resolve(reply);
    else this.target.system.counters.lateReplies += 1;
  }

  fail(error: unknown): void {
    if (this.#close()) this.#reject(error);
    else this.target.system.counters.lateReplies += 1;
  }

  override expire(): void {
    const { address } = this.target;
    if (this.#close()) this.#reject(new AskError("timeout", `Asked ${address}: no reply within ${this.#timeoutMs} ms`));
  }

  targetEnded(reason: ExitReason): void {
    const { address } = this.target;
    if (this.#close())
      this.#reject(
        new AskError("dead", `Asked ${address}: it ended before it replied (${describeExit(reason)})`, reason),
      );
  }

  #heed(signal: AbortSignal): void {
    const abort = (): void => {
      if (this.#close()) this.#reject(signal.reason);
    };
    if (signal.aborted) abort();
    else {
      signal.addEventListener("abort", abort, { once: true });
      this.#unhook = () => signal.removeEventListener("abort", abort);
    }
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    const { target } = this;
    if (this.previous !== null) target.system.alarms.disarm(this);
    const { before, behind } = this;
    if (behind !== null) behind.before = before;
    if (before !== null) before.behind = behind;
    else if (target.extras !== null && target.extras.asks === this) target.extras.asks = behind;
    this.before = null;
    this.behind = null;
    this.#unhook?.();
    return true;
  }
}
