import { Runtime } from "../entry/runtime.ts";
import type { Link, LinkEvents } from "./link.ts";

/** A worker that is no other thread: light work on the caller's own. Values are passed as they are, not copied. */
export function startInline(events: LinkEvents): Link {
  let isOpen = true;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    queueMicrotask(() => events.onExit({ kind: "ended" }));
  };
  const runtime = new Runtime({
    // What was said before the end arrives: it is queued before the end is.
    post: (batch) => void (isOpen && queueMicrotask(() => events.onBatch(batch))),
    postBytes: (bytes) => events.onBytes(bytes),
    noteStarted: () => undefined,
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
    postBytes: (bytes) => runtime.receiveBytes(bytes),
    lastStarted: () => 0,
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
