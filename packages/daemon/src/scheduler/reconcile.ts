import { planRollout, type RolloutAction } from "@constellation/core";
import type { AllocationRecord, AppRecord, Edit, Mirror } from "../state/index.ts";
import type { Snapshot } from "./snapshot.ts";

/** What one look at an app leads to. */
export type Reconciled = "settled" | "acted" | "removed";

/**
 * Compares one app with what was observed and puts the next steps into `edit`. Nothing is remembered between two looks:
 * whatever was lost, the next one repairs.
 */
export function reconcile(app: string, snapshot: Snapshot, mirror: Mirror, node: string, edit: Edit): Reconciled {
  const record = snapshot.record(app);
  if (record === undefined) return forgetStrays(app, mirror, edit);
  const allocations = mirror.allocations.get(app);
  if (record.mode === "removed" && allocations === undefined) {
    forget(app, mirror, edit);
    return "removed";
  }
  const collected = collectRevisions(app, record, mirror, edit);
  if (record.mode !== "running" && snapshot.holdMs(app, record) > 0) return collected;
  const actions = planRollout(snapshot.goal(app, record), snapshot.instances(app, record));
  for (const action of actions) {
    const known = allocations?.get(action.index)?.record;
    edit.put({ kind: "alloc", app, index: action.index }, allocationAfter(action, known, record, node));
  }
  return actions.length > 0 ? "acted" : collected;
}

function allocationAfter(
  action: RolloutAction,
  known: AllocationRecord | undefined,
  { revision }: AppRecord,
  node: string,
): AllocationRecord {
  const place = known?.node ?? node;
  const tries = known?.tries ?? 0;
  switch (action.kind) {
    case "replace":
      return { node: place, revision, wish: { kind: "run" }, tries, replace: true };
    case "start":
    case "adjust":
      return { node: place, revision, wish: { kind: "run" }, tries };
    case "wait":
      return { node: place, revision, wish: { kind: "wait", for: action.for }, tries };
    case "stop":
    case "remove":
      return { node: place, revision: known?.revision ?? revision, wish: { kind: action.kind }, tries };
  }
}

function forget(app: string, mirror: Mirror, edit: Edit): void {
  edit.delete({ kind: "app", app });
  for (const revision of mirror.revisions.get(app)?.keys() ?? []) edit.delete({ kind: "revision", app, revision });
  for (const index of mirror.runs.get(app)?.keys() ?? []) edit.delete({ kind: "run", app, index });
}

/** What is left of an app whose application or removal was cut short: first its instances go, then what they were started with. */
function forgetStrays(app: string, mirror: Mirror, edit: Edit): Reconciled {
  const allocations = [...(mirror.allocations.get(app) ?? [])];
  const stray = allocations.filter(([, { record }]) => record.wish.kind !== "remove");
  for (const [index, { record }] of stray)
    edit.put({ kind: "alloc", app, index }, { ...record, wish: { kind: "remove" } });
  if (allocations.length > 0) return stray.length > 0 ? "acted" : "settled";
  const revisions = [...(mirror.revisions.get(app)?.keys() ?? [])];
  for (const revision of revisions) edit.delete({ kind: "revision", app, revision });
  return revisions.length > 0 ? "acted" : "settled";
}

/** Deletes the revisions that nothing runs any more. */
function collectRevisions(app: string, record: AppRecord, mirror: Mirror, edit: Edit): Reconciled {
  const used = new Set([record.revision]);
  for (const { record: allocation } of mirror.allocations.get(app)?.values() ?? []) used.add(allocation.revision);
  for (const { record: run } of mirror.runs.get(app)?.values() ?? []) used.add(run.revision);
  const unused = [...(mirror.revisions.get(app)?.keys() ?? [])].filter((revision) => !used.has(revision));
  for (const revision of unused) edit.delete({ kind: "revision", app, revision });
  return unused.length > 0 ? "acted" : "settled";
}
