import type { AnyRef } from "../cell/cell.ts";
import { DEAD } from "../cell/flags.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import { ReaperAlarm } from "./killing.ts";
import { watch } from "./monitors.ts";
import { tellToStop } from "./stopping.ts";

/** Ends an actor in order, kills it when that takes longer than `timeoutMs`, and resolves with why it ended. */
export function stopWithin(ref: AnyRef, reason: ExitReason, timeoutMs: number): Promise<ExitReason> {
  const ended = whenEnded(ref);
  const { local } = ref;
  tellToStop(ref, reason);
  if (local !== null && (local.flags & DEAD) === 0 && timeoutMs !== Infinity) {
    const { alarms } = local.system;
    const reaper = new ReaperAlarm([local]);
    alarms.arm(reaper, timeoutMs);
    watch(local, () => alarms.disarm(reaper));
  }
  return ended;
}

/** Resolves with the reason when the actor ends; with `noproc` when it has. */
export function whenEnded(ref: AnyRef): Promise<ExitReason> {
  return new Promise((resolve) => watch(ref, resolve));
}
