import { renameSync } from "node:fs";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { encodePlan } from "../plan/encode-plan.ts";
import { fillFile } from "../records/fill-file.ts";
import { assignSlot, type ControlOutcome, isSupervised, killInstance } from "../records/control.ts";
import type { LaunchedProcesses } from "../records/reply.ts";
import type { Spawner } from "../spawner.ts";
import { buildAssignPlan, buildSlotPlan, type SlotAssignment, type SlotRequest } from "./slot-plan.ts";

/** An instance that waits for its command. It ends by itself when the daemon that made it dies. */
export class WarmSlot {
  readonly request: SlotRequest;
  readonly #spawner: Spawner;
  readonly #host: HostFacts;
  readonly #launchId: number;
  #folder: string;
  #state: "waiting" | "taken" | "used" = "waiting";

  private constructor(request: SlotRequest, spawner: Spawner, host: HostFacts, launchId: number) {
    this.request = request;
    this.#folder = request.instanceDir;
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

  /** False when it has ended, or was used. */
  get waits(): boolean {
    return this.#state === "waiting" && isSupervised(this.#folder);
  }

  /** Its folder becomes that of an instance; everything about the instance is found there from now on. */
  moveTo(instanceDir: string): void {
    renameSync(this.#folder, instanceDir);
    this.#folder = instanceDir;
    this.#state = "taken";
  }

  /**
   * Gives the slot its command; resolves when the program has been executed, or to "gone" when the slot ended before it
   * was told anything.
   *
   * @throws LaunchError as Spawner.launch; INVALID_REQUEST when the slot was used already
   */
  async assign(
    assignment: SlotAssignment,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LaunchedProcesses | "gone"> {
    const { name } = assignment.identity;
    if (this.#state === "used")
      throw new LaunchError(`Cannot start ${name} in slot ${this.request.name}: the slot has been used already`, {
        code: "INVALID_REQUEST",
      });
    this.#state = "used";
    const plan = buildAssignPlan(this.request, assignment, this.#host);
    fillFile(`${this.#folder}/assign`, encodePlan(plan));
    const command = (): ControlOutcome => assignSlot(this.#folder);
    return await this.#spawner.secondAnswer(this.#launchId, plan, command, signal ? { signal } : {});
  }

  /** Ends a slot that is not needed. */
  discard(): void {
    this.#state = "used";
    killInstance(this.#folder);
  }
}
