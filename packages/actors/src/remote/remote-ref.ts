import type { AskOptions, ReplyTo, SendOutcome } from "../actor-ref.ts";
import { defaultAskTimeoutMs, PendingAsk } from "../ask.ts";
import { AskError } from "../ask-error.ts";
import type { Cell } from "../cell.ts";
import type { ExitReason } from "../exit-reason.ts";
import { ForeignRef } from "../foreign-ref.ts";
import type { Monitor } from "../monitors.ts";
import type { Connection } from "./connection.ts";

/** An actor at the other end of a connection. */
export class RemoteRef extends ForeignRef {
  readonly connection: Connection;
  readonly id: number;
  readonly address: string;

  constructor(connection: Connection, id: number, address: string) {
    super();
    this.connection = connection;
    this.id = id;
    this.address = address;
  }

  /** @throws SerializationError when the message cannot travel */
  send(message: unknown): SendOutcome {
    return this.connection.sendTo(this, message);
  }

  /** Waits until the other end has taken enough of what was sent before. */
  async offer(message: unknown, options?: { readonly signal?: AbortSignal }): Promise<SendOutcome> {
    await this.connection.room(options?.signal);
    return this.send(message);
  }

  ask<Reply>(build: (replyTo: ReplyTo<Reply>) => unknown, options?: AskOptions): Promise<Reply> {
    const { system } = this.connection;
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

  monitor(monitor: Monitor): void {
    this.connection.monitor(this, monitor);
  }

  demonitor(monitor: Monitor): void {
    this.connection.demonitor(monitor);
  }

  link(cell: Cell): void {
    this.connection.link(this, cell);
  }

  unlink(cell: Cell): void {
    this.connection.unlink(this, cell);
  }

  linkedExit(cell: Cell, reason: ExitReason): void {
    this.connection.linkedExit(this, cell, reason);
  }

  stop(reason: ExitReason): void {
    this.connection.stopRemote(this, reason);
  }

  override toString(): string {
    return this.address;
  }

  toJSON(): string {
    return this.address;
  }
}
