import { renameSync } from "node:fs";
import { join } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { encodePlan } from "../plan/encode-plan.ts";
import { assignSlot, type ControlOutcome, isSupervised, killInstance, rouseProgram } from "../records/control.ts";
import type { LaunchedProcesses } from "../records/reply.ts";
import type { LaunchRequest } from "../request.ts";
import type { Spawner } from "../spawner.ts";
import { fillFile } from "../records/fill-file.ts";
import { buildBeginPlan, buildStandbyPlan, openTree, type StandbyAssignment, type Waiting } from "./standby-plan.ts";

/** A program that was executed ahead and waits for what to run. It ends by itself when the daemon that made it dies. */
export class Standby {
  readonly #waiting: Waiting;
  readonly #spawner: Spawner;
  readonly #launchId: number;
  #state: "waiting" | "taken" = "waiting";

  private constructor(waiting: Waiting, spawner: Spawner, launchId: number) {
    this.#waiting = waiting;
    this.#spawner = spawner;
    this.#launchId = launchId;
  }

  get request(): LaunchRequest {
    return this.#waiting.request;
  }

  /**
   * Executes the program ahead; resolves when it says that it waits.
   * @throws LaunchError as Spawner.launch
   */
  static async prepare(
    request: LaunchRequest,
    spawner: Spawner,
    host: HostFacts,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Standby> {
    const { launchId } = await spawner.launch(buildStandbyPlan(request, host), signal ? { signal } : {});
    return new Standby({ request, tree: openTree(request, host) }, spawner, launchId);
  }

  /** False when it has ended, or was used. */
  get waits(): boolean {
    return this.#state === "waiting" && isSupervised(this.request.instanceDir);
  }

  /** Wakes it up, so that it is wide awake when it begins. False when it has ended, or was used. */
  rouse(): boolean {
    return this.#state === "waiting" && rouseProgram(this.request.instanceDir) === "sent";
  }

  /** Its folder becomes that of the instance; everything about the instance is found there from now on. */
  moveTo(instanceDir: string): void {
    this.#state = "taken";
    renameSync(this.request.instanceDir, instanceDir);
  }

  /**
   * Lets the program begin; resolves when it has what it needs. Only after {@link moveTo}.
   *
   * @param paper what the program reads first, as JSON
   * @throws LaunchError as Spawner.launch; LAUNCHER_GONE when it has ended
   */
  async begin(
    assignment: StandbyAssignment,
    paper: unknown,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LaunchedProcesses> {
    const { instanceDir, identity } = assignment;
    const plan = buildBeginPlan(this.#waiting, assignment, JSON.stringify(paper));
    fillFile(join(instanceDir, "assign"), encodePlan(plan));
    const command = (): ControlOutcome => assignSlot(instanceDir);
    const answer = await this.#spawner.secondAnswer(this.#launchId, plan, command, signal ? { signal } : {});
    if (answer !== "gone") return answer;
    throw new LaunchError(`Cannot start ${identity.name}: the program that waited for it has ended`, {
      code: "LAUNCHER_GONE",
    });
  }

  /** Ends a program that is not needed. */
  discard(): void {
    if (this.#state === "taken") return;
    this.#state = "taken";
    killInstance(this.request.instanceDir);
  }
}
