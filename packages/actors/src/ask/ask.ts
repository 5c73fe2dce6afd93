import type { Cell } from "../cell/cell.ts";
import type { AskOptions, ReplyTo } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import { defaultAskTimeoutMs, PendingAsk } from "./pending-ask.ts";

/** Sends what `build` makes to `cell` and waits for the answer. */
export function ask<Reply>(
  cell: Cell,
  build: (replyTo: ReplyTo<Reply>) => unknown,
  options: AskOptions | undefined,
): Promise<Reply> {
  return new Promise<Reply>((resolve, reject) => {
    const timeoutMs = options?.timeoutMs ?? defaultAskTimeoutMs;
    const pending = new PendingAsk(cell.system, cell, resolve as (reply: unknown) => void, reject, timeoutMs);
    const outcome = cell.send(build(pending));
    if (outcome === "queued") pending.await(cell, options?.signal);
    else pending.fail(new AskError(outcome === "dead" ? "dead" : "rejected", `Cannot ask ${cell.address}: ${outcome}`));
  });
}
