import { renameSync, writeFileSync } from "node:fs";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { encodePlan } from "../plan/encode-plan.ts";
import { assignSlot, killInstance } from "../records/control.ts";
import type { LaunchedProcesses } from "../records/reply.ts";
import type { Spawner } from "../spawner.ts";
import { buildAssignPlan, buildSlotPlan, type SlotAssignment, type SlotRequest } from "./slot-plan.ts";

/** An instance that waits for its command. It ends by itself when the daemon that made it dies. */
export class WarmSlot {
  readonly request: SlotRequest;
  readonly #spawner: Spawner;
  readonly #host: HostFacts;
  readonly #launchId: number;
  #state: "waiting" | "taken" = "waiting";

  private constructor(request: SlotRequest, spawner: Spawner, host: HostFacts, launchId: number) {
    this.request = request;
    this.#spawner = spawner;
    this.#host = host;
    this.#launchId = launchId;
  }

  /**
   * Prepares a slot; resolves when it waits.
   * @throws LaunchError as Spawner.launch
   */
  static async prepare(
    request: SlotRequest,
    spawner: Spawner,
    host: HostFacts,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<WarmSlot> {
    const { launchId } = await spawner.launch(buildSlotPlan(request, host), signal ? { signal } : {});
    return new WarmSlot(request, spawner, host, launchId);
  }

  /**
   * Gives the slot its command; resolves when the program has been executed. With `instanceDir` the slot's folder
   * moves there first, and everything about the instance is found in it from then on.
   * @throws LaunchError as Spawner.launch; LAUNCHER_GONE when the slot is used up or dead
   */
  async assign(
    assignment: SlotAssignment,
    { instanceDir, signal }: { readonly instanceDir?: string; readonly signal?: AbortSignal } = {},
  ): Promise<LaunchedProcesses> {
    const gone = (why: string): LaunchError =>
      new LaunchError(`Cannot start ${assignment.identity.name} in slot ${this.request.name}: ${why}`, {
        code: "LAUNCHER_GONE",
      });
    if (this.#state === "taken") throw gone("the slot has been used already");
    this.#state = "taken";
    const plan = buildAssignPlan(this.request, assignment, this.#host);
    const bytes = encodePlan(plan);
    if (instanceDir !== undefined) renameSync(this.request.instanceDir, instanceDir);
    const folder = instanceDir ?? this.request.instanceDir;
    writeFileSync(`${folder}/assign`, bytes, { mode: 0o600 });
    const answer = this.#spawner.secondAnswer(this.#launchId, plan, signal ? { signal } : {});
    if (assignSlot(folder) === "gone") {
      answer.catch(() => {});
      throw gone("it has ended");
    }
    return await answer;
  }

  /** Ends a slot that is not needed. */
  discard(): void {
    this.#state = "taken";
    killInstance(this.request.instanceDir);
  }
}
