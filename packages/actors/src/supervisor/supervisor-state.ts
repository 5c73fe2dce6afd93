import type { Cell } from "../cell/cell.ts";
import type { SupervisorCall } from "./call.ts";
import { Deferred } from "./deferred.ts";
import { ChildPlan, SupervisedChild } from "./child.ts";
import { RestartBudget } from "./restart-budget.ts";
import type { AnySupervisorOptions, AutoShutdown, Strategy } from "./supervisor-options.ts";
import type { Task, Wanted } from "./task.ts";

/** Children that differ, by their ids in start order. */
export interface ListFamily {
  readonly kind: "list";
  readonly strategy: Strategy;
  readonly children: Map<string, SupervisedChild>;
}

/** Any number of children of one kind: those that run hang on the supervisor's cell, the others are in `waiting`. */
export interface DynamicFamily {
  readonly kind: "dynamic";
  readonly plan: ChildPlan;
  readonly waiting: Set<SupervisedChild>;
  running: number;
}

export type Family = ListFamily | DynamicFamily;

/** Everything a supervisor knows. */
export class SupervisorState {
  readonly cell: Cell;
  readonly family: Family;
  readonly autoShutdown: AutoShutdown;
  readonly budget: RestartBudget;
  /** What it is doing, and the signal it waits for; null when it is free. */
  task: { readonly steps: Task<void>; wanted: Wanted } | null = null;
  /** The call that it is serving. */
  current: SupervisorCall | null = null;
  readonly deferred = new Deferred();

  constructor(cell: Cell, options: AnySupervisorOptions) {
    this.cell = cell;
    this.autoShutdown = options.autoShutdown ?? "never";
    const { restarts, periodMs } = options.intensity ?? { restarts: 1, periodMs: 5000 };
    this.budget = new RestartBudget(restarts, periodMs);
    if (options.strategy === "simple_one_for_one") {
      this.family = { kind: "dynamic", plan: new ChildPlan(options.child), waiting: new Set(), running: 0 };
      return;
    }
    const children = new Map<string, SupervisedChild>();
    for (const spec of options.children ?? [])
      children.set(spec.id, new SupervisedChild(new ChildPlan(spec), spec.args));
    this.family = { kind: "list", strategy: options.strategy ?? "one_for_one", children };
  }
}
