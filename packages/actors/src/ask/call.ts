import { extrasOf, type AnyRef, type Cell } from "../cell/cell.ts";
import { BUSY, RUNNING } from "../cell/flags.ts";
import type { AskOptions, ReplyTo } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";

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
