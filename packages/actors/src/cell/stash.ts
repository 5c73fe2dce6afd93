import { type Cell, extrasOf } from "./cell.ts";
import { PRIORITY } from "./flags.ts";
import { prepend } from "../queue/mailbox.ts";
import { sendSlowly } from "./send-slowly.ts";

/** As many messages are aside as the mailbox may hold. */
export class StashError extends Error {
  override readonly name = "StashError";
}

/** Puts a message aside until `unstashAll`. */
export function stash(cell: Cell, message: unknown): void {
  const aside = (extrasOf(cell).stash ??= []);
  if (aside.length >= cell.capacity)
    throw new StashError(
      `Cannot stash one more message in ${cell.address}: ${aside.length} are aside, the capacity of its mailbox; unstash earlier or raise the capacity`,
    );
  aside.push(message);
}

/** Puts the messages that are aside back before those that wait; that may exceed the capacity for a moment. */
export function unstashAll(cell: Cell): number {
  const { extras } = cell;
  const aside = extras?.stash;
  if (extras === null || aside === null || aside === undefined) return 0;
  extras.stash = null;
  if ((cell.flags & PRIORITY) !== 0) for (const message of aside) sendSlowly(cell, message);
  else for (let index = aside.length - 1; index >= 0; index -= 1) prepend(cell, aside[index]);
  return aside.length;
}
