import { type Cell, extrasOf, type AnyRef } from "../cell/cell.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, TRAPS_EXITS } from "../cell/flags.ts";
import { signal } from "../cell/system-lane.ts";

/** Ties the ends of two actors together; one that does not live counts as one that has just ended with `noproc`. */
export function link(cell: Cell, ref: AnyRef): void {
  const other = ref.local;
  if (other === cell || (cell.flags & DEAD) !== 0) return;
  if (other !== null && (other.flags & DEAD) === 0) {
    (extrasOf(cell).links ??= new Set()).add(other);
    (extrasOf(other).links ??= new Set()).add(cell);
  } else if (ref.foreign !== null) {
    (extrasOf(cell).links ??= new Set()).add(ref.foreign);
    ref.foreign.link(cell);
  } else signal(cell, { kind: "exit", from: ref, reason: exit.noproc });
}

/** Unties them. */
export function unlink(cell: Cell, ref: AnyRef): void {
  const other = ref.local ?? ref.foreign;
  if (other === null) return;
  cell.extras?.links?.delete(other);
  if (ref.local !== null) ref.local.extras?.links?.delete(cell);
  else ref.foreign?.unlink(cell);
}

/** `ended`, to which `cell` is linked, has ended. */
export function linkedExit(cell: Cell, ended: AnyRef, reason: ExitReason): void {
  const other = ended.local ?? ended.foreign;
  if (other !== null) cell.extras?.links?.delete(other);
  // A normal exit means nothing to who does not trap exits: no signal, no wake-up.
  if (reason.kind !== "normal" || (cell.flags & TRAPS_EXITS) !== 0) signal(cell, { kind: "exit", from: ended, reason });
}
