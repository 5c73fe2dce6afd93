import { randomUUID } from "node:crypto";
import { ConstellationError } from "@constellation/contract";

/** Takes faults of ours to the daemon's log; `id` is what the caller of the API was told. */
export type ReportFault = (id: string, fault: unknown) => void;

/**
 * What a caller may know of a failure. A ConstellationError is worded for people; anything else is a fault of ours,
 * whose text could name secrets: it goes to the log under an id, and the caller gets the id.
 */
export function publicError(thrown: unknown, report: ReportFault): ConstellationError {
  if (thrown instanceof ConstellationError && thrown.code !== "internal.bug") return thrown;
  const id = randomUUID().slice(0, 8);
  report(id, thrown);
  return new ConstellationError("internal.bug", `The daemon met a fault of its own (id ${id})`, {
    remedy: `Please report it with the lines of the daemon's log that name ${id}.`,
    details: { id },
  });
}
