import { type Cell, extrasOf } from "./cell.ts";
import { NOT_WAKEABLE, PRIORITY } from "./flags.ts";
import { prepend } from "../queue/mailbox.ts";
import { putBackByPriority } from "./send-slowly.ts";

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

/**
 * Puts the messages that are aside back before those that wait, with priorities before those of the same rank; that may
 * exceed the capacity for a moment.
 */
export function unstashAll(cell: Cell): number {
  const { extras } = cell;
  const aside = extras?.stash;
  if (extras === null || aside === null || aside === undefined) return 0;
  extras.stash = null;
  const putBack = (cell.flags & PRIORITY) === 0 ? prepend : putBackByPriority;
  for (let index = aside.length - 1; index >= 0; index -= 1) putBack(cell, aside[index]);
  // It may be something that the actor has begun, and no handler, that says so.
  if (cell.count > 0 && (cell.flags & NOT_WAKEABLE) === 0) cell.system.runQueue.add(cell);
  return aside.length;
}
