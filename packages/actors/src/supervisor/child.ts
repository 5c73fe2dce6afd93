import type { Cell, ChildRecord, Script } from "../cell/cell.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { MailboxOptions } from "../vocabulary/mailbox-options.ts";
import type { SpawnOptions } from "../vocabulary/spawn-options.ts";
import type { WheelEntry } from "../time/timer-wheel.ts";
import type { BackoffOptions } from "../time/backoff.ts";
import type { ChildSettings, ChildSpec, DynamicChildSpec, RestartType, Shutdown } from "./child-spec.ts";

/** A checked child spec with its defaults filled in; all children of a dynamic supervisor share one. */
export class ChildPlan {
  /** Null for the template of a dynamic supervisor. */
  readonly id: string | null;
  readonly script: Script;
  readonly restart: RestartType;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  readonly backoff: BackoffOptions | null;
  readonly isSupervisor: boolean;
  readonly options: SpawnOptions<unknown, unknown> | null;
  /** What the user wrote. */
  readonly spec: ChildSpec | DynamicChildSpec<never, never>;

  constructor(spec: ChildSpec | DynamicChildSpec<never, never>) {
    const settings: ChildSettings = spec;
    this.spec = spec;
    this.id = "id" in spec ? spec.id : null;
    this.script = spec.start as Script;
    this.isSupervisor = this.script.interpreter !== null;
    this.restart = settings.restart ?? "permanent";
    this.shutdown = settings.shutdown ?? (this.isSupervisor ? "infinity" : 5000);
    this.significant = settings.significant ?? false;
    this.backoff = settings.backoff ?? null;
    const name = "name" in spec ? spec.name : undefined;
    const options = {
      ...(name === undefined ? {} : { name }),
      ...(settings.mailbox === undefined ? {} : { mailbox: settings.mailbox as MailboxOptions<unknown> }),
    };
    this.options = Object.keys(options).length > 0 ? options : null;
  }
}

/** What a supervisor knows of one child. Kept small: there can be a million of them. */
export class SupervisedChild implements ChildRecord {
  readonly plan: ChildPlan;
  args: unknown;
  /**
   * `spawning`: `spawn` is on the stack, an end of the actor now is a failed start. `restarting`: a restart has failed
   * or waits for its time.
   */
  phase: "stopped" | "spawning" | "running" | "restarting" = "stopped";
  /** The actor; null unless it is spawning or running. */
  cell: Cell | null = null;
  /** Crashes in a row, and when the last one was; null before the first. */
  crashes: Crashes | null = null;

  constructor(plan: ChildPlan, args: unknown) {
    this.plan = plan;
    this.args = args;
  }

  get id(): string | null {
    return this.plan.id;
  }

  get restarts(): number {
    return this.crashes?.total ?? 0;
  }

  /** It has run long enough since its last crash: the next one is the first of a row again. */
  hasSettled(nowMs: number): boolean {
    return this.crashes === null || nowMs > this.crashes.settledMs;
  }

  /** It crashed before, not long ago: reports of it need not be said again. */
  get isRepeating(): boolean {
    return this.crashes !== null && this.crashes.inRow > 1;
  }

  get isSpawning(): boolean {
    return this.phase === "spawning";
  }
}

/** The record of a supervisor's child; null for an actor without a supervisor. */
export function recordOf(cell: Cell): SupervisedChild | null {
  return cell.child as SupervisedChild | null;
}

/** The history of a child that crashes. */
export interface Crashes {
  inRow: number;
  total: number;
  /** When it will have run so long that a crash begins a new row; Infinity while it does not run. */
  settledMs: number;
  /** Why the last actor ended; given to `onRestart`. */
  reason: ExitReason;
  /** Rings when a delayed restart is due. */
  alarm: WheelEntry | null;
}
