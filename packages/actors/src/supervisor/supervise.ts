import type { Cell, AnyRef } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import { exit } from "../vocabulary/exit-reason.ts";
import { DEAD, SIGNALS, SUPERVISOR } from "../cell/flags.ts";
import type { SpawnOptions } from "../vocabulary/spawn-options.ts";
import { stopWithin } from "../life/stop-within.ts";
import { signal } from "../cell/system-lane.ts";
import type { ActorSystem } from "../system/system.ts";
import {
  SupervisorCall,
  type ChildCounts,
  type ChildInfo,
  type ChildOutcome,
  type StartChildOutcome,
  type SupervisorRequest,
} from "./call.ts";
import type { ChildSpec, TypedChildSpec } from "./child-spec.ts";
import type { SupervisorState } from "./supervisor-state.ts";
import type { DynamicSupervisorBehavior, SupervisorBehavior } from "./supervisor.ts";

type SuperviseOptions<Args> = Pick<SpawnOptions<never, Args>, "args" | "name">;

/**
 * Starts a supervisor at the top of the tree and waits until all of its children have started.
 * @throws StartError when one of them does not, after those that did have been ended again.
 */
export async function supervise<Message, ChildArgs, Args = void>(
  system: ActorSystem,
  behavior: DynamicSupervisorBehavior<Message, ChildArgs, Args>,
  options?: SuperviseOptions<Args>,
): Promise<DynamicSupervisor<Message, ChildArgs>>;
export async function supervise<Args = void>(
  system: ActorSystem,
  behavior: SupervisorBehavior<Args>,
  options?: SuperviseOptions<Args>,
): Promise<Supervisor>;
export async function supervise(
  system: ActorSystem,
  behavior: SupervisorBehavior<never>,
  options?: SuperviseOptions<unknown>,
): Promise<unknown> {
  const ref = system.spawn(behavior as SupervisorBehavior<unknown>, { args: undefined, ...options });
  // Looked at before the wait: it may have started, and ended again, when that is over.
  const state = (ref as AnyRef).local?.state as SupervisorState;
  await system.whenStarted(ref);
  return state.family.kind === "dynamic" ? new DynamicSupervisor(ref) : new Supervisor(ref);
}

/** Speaks to a supervisor, also to one that is itself supervised. Bound to one actor: after a restart take a new one. */
abstract class Handle {
  readonly ref: ActorRef<never>;
  readonly #cell: Cell;

  /** @throws TypeError when `ref` is no supervisor of this system. */
  constructor(ref: ActorRef<never>) {
    const { local } = ref as AnyRef;
    if (local === null || (local.flags & SUPERVISOR) === 0)
      throw new TypeError(`Cannot speak to ${ref.address} as a supervisor: it is none, or lives elsewhere`);
    this.ref = local;
    this.#cell = local;
  }

  /** Every child, in start order. */
  whichChildren(): Promise<ChildInfo[]> {
    return this.request({ kind: "which-children" });
  }

  countChildren(): Promise<ChildCounts> {
    return this.request({ kind: "count-children" });
  }

  /** Ends the supervisor and with it its children, the last one first. */
  stop(reason: ExitReason = exit.shutdown, timeoutMs = Infinity): Promise<ExitReason> {
    return stopWithin(this.#cell, reason, timeoutMs);
  }

  protected request<Answer>(request: SupervisorRequest): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const cell = this.#cell;
      const call = new SupervisorCall(request, this.ref.address, resolve as (value: unknown) => void, reject);
      if ((cell.flags & DEAD) !== 0) call.refuse();
      // With nothing before it, it can be served on the spot, on the caller's stack.
      else if ((cell.flags & SIGNALS) === 0) cell.script.interpreter?.signal(cell, { kind: "call", call });
      else signal(cell, { kind: "call", call });
    });
  }
}

/** A supervisor whose children differ. */
export class Supervisor extends Handle {
  /** Adds a child and starts it. @throws SupervisorSpecError */
  startChild<Message>(spec: TypedChildSpec<Message>): Promise<StartChildOutcome<Message>> {
    return this.request({ kind: "start-child", spec });
  }

  /** Ends a child; its spec stays, unless it is temporary. */
  terminateChild(id: string): Promise<ChildOutcome> {
    return this.request({ kind: "terminate-child", id });
  }

  /** Starts a child that was terminated, or ended for good. */
  restartChild(id: string): Promise<StartChildOutcome<never>> {
    return this.request({ kind: "restart-child", id });
  }

  /** Forgets the spec of a child that does not run. */
  deleteChild(id: string): Promise<ChildOutcome> {
    return this.request({ kind: "delete-child", id });
  }

  /** The spec that a child was started from. */
  getChildSpec(id: string): Promise<ChildSpec | undefined> {
    return this.request({ kind: "get-child-spec", id });
  }

  /** The actor that runs as child `id` now. */
  async childRef<Message = never>(id: string): Promise<ActorRef<Message> | undefined> {
    const info = (await this.whichChildren()).find((child) => child.id === id);
    return info?.state.kind === "running" ? (info.state.ref as ActorRef<unknown>) : undefined;
  }
}

/** A `simple_one_for_one` supervisor. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what startChild takes belongs to the type
export class DynamicSupervisor<Message, Args> extends Handle {
  startChild(args: Args): Promise<StartChildOutcome<Message>> {
    return this.request({ kind: "start-dynamic-child", args });
  }

  /** Ends a child; it is not restarted. */
  terminateChild(ref: ActorRef<never>): Promise<ChildOutcome> {
    const { local } = ref as AnyRef;
    if (local === null) return Promise.resolve({ kind: "not_found" });
    return this.request({ kind: "terminate-dynamic-child", cell: local });
  }
}
