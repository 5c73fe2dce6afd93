import type { Cell, ForeignRef, Watch } from "../cell/cell.ts";
import type { AskOptions, ReplyTo, SendOutcome } from "../vocabulary/actor-ref.ts";
import { defaultAskTimeoutMs, PendingAsk } from "../ask/pending-ask.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { Line } from "./line.ts";
import { reasonToWire } from "./reasons.ts";

/** An actor at the other end of a connection. */
export class RemoteRef implements ForeignRef {
  readonly line: Line;
  readonly id: number;
  readonly address: string;
  readonly local: null = null;

  constructor(line: Line, id: number, address: string) {
    this.line = line;
    this.id = id;
    this.address = address;
  }

  get foreign(): this {
    return this;
  }

  /** @throws SerializationError when the message cannot travel */
  send(message: unknown): SendOutcome {
    return this.line.sendTo(this, message);
  }

  /** Waits until the other end has taken enough of what was sent before. */
  async offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome> {
    await this.line.room(options?.signal);
    return this.send(message);
  }

  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply> {
    const { system } = this.line;
    return new Promise<Reply>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? defaultAskTimeoutMs;
      const pending = new PendingAsk(system, this, resolve as (reply: unknown) => void, reject, timeoutMs);
      const outcome = this.send(build(pending));
      if (outcome === "queued") pending.await(null, options?.signal);
      else
        pending.fail(
          new AskError(outcome === "dead" ? "disconnected" : "rejected", `Cannot ask ${this.address}: ${outcome}`),
        );
    });
  }

  monitor(watch: Watch): void {
    this.line.ties.monitor(this, watch);
  }

  demonitor(watch: Watch): void {
    this.line.ties.demonitor(watch);
  }

  link(cell: Cell): void {
    this.line.ties.link(this, cell);
  }

  unlink(cell: Cell): void {
    this.line.ties.unlink(this, cell);
  }

  linkedExit(cell: Cell, reason: ExitReason): void {
    this.line.ties.linkedExit(this, cell, reason);
  }

  stop(reason: ExitReason): void {
    this.line.post({ kind: "stop", to: this.id, reason: reasonToWire(reason) });
  }

  toString(): string {
    return this.address;
  }

  toJSON(): string {
    return this.address;
  }
}
