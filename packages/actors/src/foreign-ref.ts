import type { ActorRef, AskOptions, ReplyTo, SendOutcome } from "./actor-ref.ts";
import type { Cell } from "./cell.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Monitor } from "./monitors.ts";

/** A ref of the runtime's own making; `local` finds the cell behind it, if it lives in this system. */
export interface AnyRef extends ActorRef<unknown> {
  readonly local: Cell | null;
  /** The far actor behind it, if it lives elsewhere. */
  readonly foreign: ForeignRef | null;
}

/** An actor in another thread, process or machine: what links, monitors and exits need of it. */
export abstract class ForeignRef implements AnyRef {
  abstract readonly id: number;
  abstract readonly address: string;
  readonly local: null = null;
  get foreign(): this {
    return this;
  }

  abstract send(message: unknown): SendOutcome;
  abstract offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome>;
  abstract ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply>;
  abstract monitor(monitor: Monitor): void;
  abstract demonitor(monitor: Monitor): void;
  abstract link(cell: Cell): void;
  abstract unlink(cell: Cell): void;
  /** The local end of a link has ended. */
  abstract linkedExit(cell: Cell, reason: ExitReason): void;
  /** Tells the far actor to end in order. */
  abstract stop(reason: ExitReason): void;
}
