import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { encodePlan } from "../plan/encode-plan.ts";
import { assignSlot, isSupervised, killInstance } from "../records/control.ts";
import { type ProcessStamp, readPidFile } from "../records/pid-file.ts";
import type { LaunchedProcesses } from "../records/reply.ts";
import type { LaunchRequest } from "../request.ts";
import type { Spawner } from "../spawner.ts";
import { buildBeginPlan, buildStandbyPlan, type StandbyAssignment } from "./standby-plan.ts";

const paperFile = "assignment.json";

/** A program that was executed ahead and waits for what to run. It ends by itself when the daemon that made it dies. */
export class Standby {
  readonly request: LaunchRequest;
  readonly #spawner: Spawner;
  readonly #host: HostFacts;
  readonly #launchId: number;
  readonly #main: ProcessStamp;
  #state: "waiting" | "taken" = "waiting";

  private constructor(
    request: LaunchRequest,
    spawner: Spawner,
    host: HostFacts,
    { launchId, main }: { readonly launchId: number; readonly main: ProcessStamp },
  ) {
    this.request = request;
    this.#spawner = spawner;
    this.#host = host;
    this.#launchId = launchId;
    this.#main = main;
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
    const main = readPidFile(request.instanceDir)?.main;
    if (main === null || main === undefined)
      throw new LaunchError(`${request.identity.name} ended as soon as it was warm`, { code: "LAUNCHER_GONE" });
    return new Standby(request, spawner, host, { launchId, main });
  }

  /** False when it has ended, or was used. */
  get waits(): boolean {
    return this.#state === "waiting" && isSupervised(this.request.instanceDir);
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
    const gone = (): LaunchError =>
      new LaunchError(`Cannot start ${identity.name}: the program that waited for it has ended`, {
        code: "LAUNCHER_GONE",
      });
    const main = readPidFile(instanceDir)?.main;
    if (main === null || main === undefined) throw gone();
    const path = join(instanceDir, paperFile);
    writeFileSync(path, JSON.stringify(paper), { mode: 0o600 });
    const plan = buildBeginPlan(this.request, assignment, { main: this.#main, paper: path, host: this.#host });
    writeFileSync(join(instanceDir, "assign"), encodePlan(plan), { mode: 0o600 });
    const answer = this.#spawner.secondAnswer(this.#launchId, plan, signal ? { signal } : {});
    if (assignSlot(instanceDir) === "gone") {
      answer.catch(() => {});
      throw gone();
    }
    return await answer;
  }

  /** Ends a program that is not needed. */
  discard(): void {
    if (this.#state === "taken") return;
    this.#state = "taken";
    killInstance(this.request.instanceDir);
  }
}
