import { Runtime } from "../entry/runtime.ts";
import type { Link, LinkEvents } from "./link.ts";

/** A worker that is no other thread: light work on the caller's own. Values are passed as they are, not copied. */
export function startInline(events: LinkEvents): Link {
  let isOpen = true;
  let started = 0;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    queueMicrotask(() => events.onExit({ kind: "ended" }));
  };
  const runtime = new Runtime({
    // What was said before the end arrives: it is queued before the end is.
    post: (batch) => void (isOpen && queueMicrotask(() => events.onBatch(batch))),
    postBytes: (bytes) => void (isOpen && inTurn(bytes, (copy) => events.onBytes(copy))),
    noteStarted: (id) => void (started = id),
    mayGoOn: () => true,
    isCongested: () => false,
    memoryBytes: () => 0,
    end,
  });
  return {
    id: 0,
    placement: "inline",
    isCongested: false,
    post: (batch) => queueMicrotask(() => isOpen && runtime.receive(batch)),
    postBytes: (bytes) => inTurn(bytes, (copy) => void (isOpen && runtime.receiveBytes(copy))),
    lastStarted: () => started,
    // A task that blocks here blocks the pool too: there is nothing to take back.
    limit: () => undefined,
    terminate: () => {
      end();
      return Promise.resolve();
    },
    setNiceness: () => false,
    close: () => undefined,
  };
}

/** Behind the messages that were sent before; the sender may fill its block anew meanwhile. */
function inTurn(bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
  const copy = new Uint8Array(bytes);
  queueMicrotask(() => deliver(copy));
}
