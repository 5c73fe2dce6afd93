import { type AppSpec, ConstellationError, type Feature } from "@constellation/contract";
import type { CallOptions, Driver, FoundRun, Recovery, RunHandle } from "../driver/driver.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import { FakeHandle } from "./handle.ts";
import { type FakeStep, parseFakeScript } from "./script.ts";
import type { CrashPoint, FakeWorld } from "./world.ts";

/**
 * A driver whose programs are scripts in the command of the spec (see `FakeStep`) and whose time is the clock of its
 * world. For tests of everything above drivers, and for trying a spec without running anything.
 */
export class FakeDriver implements Driver {
  readonly name = "fake";
  readonly #world: FakeWorld;

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  probe(): Promise<Feature[]> {
    return Promise.resolve([{ name: "driver.fake", state: "available", detail: "always", remedy: null }]);
  }

  check({ name }: AppSpec): Promise<void> {
    const refusal = this.#world.refusals.get(name);
    return refusal === undefined ? Promise.resolve() : Promise.reject(refusal);
  }

  async start(request: StartRequest, { signal }: CallOptions): Promise<RunHandle> {
    const world = this.#world;
    const name = instanceName(request);
    await this.#mayCrash("before-intent");
    const { run } = request;
    const steps = parseFakeScript(run.kind === "command" ? run.argv : run.args);
    world.intents.set(request.runId, request);
    await this.#mayCrash("before-launch");
    try {
      await this.#prepare(steps, name, signal);
    } catch (error) {
      world.intents.delete(request.runId);
      throw error;
    }
    const started = world.launch(request, steps);
    await this.#mayCrash("after-launch");
    return new FakeHandle(started, world);
  }

  recover(runId: string): Promise<Recovery> {
    const run = this.#world.runs.get(runId);
    if (run === undefined) return Promise.resolve({ status: "never-started" });
    const { exit, request, notes } = run;
    if (exit !== null) return Promise.resolve({ status: "ended", exit, request });
    return Promise.resolve({ status: "running", handle: new FakeHandle(run, this.#world), notes, request });
  }

  list(): Promise<FoundRun[]> {
    return Promise.resolve(
      [...this.#world.intents.values()].map(({ runId, app, index, revision, restarts }) => ({
        runId,
        app,
        index,
        revision,
        restarts,
      })),
    );
  }

  release(runId: string): Promise<void> {
    const run = this.#world.runs.get(runId);
    if (run !== undefined && run.exit === null) {
      return Promise.reject(
        new ConstellationError(
          "state.conflict",
          `Cannot release the run ${runId} of ${instanceName(run.request)}: it still runs`,
          {
            remedy: "Stop it first.",
          },
        ),
      );
    }
    this.#world.runs.delete(runId);
    this.#world.intents.delete(runId);
    return Promise.resolve();
  }

  forget(app: string): Promise<boolean> {
    this.#world.forgotten.push(app);
    return Promise.resolve(this.#world.kept.delete(app));
  }

  forgetUnwritten(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What comes before the program executes: it may take time, be aborted, or fail. */
  async #prepare(steps: readonly FakeStep[], name: string, signal: AbortSignal): Promise<void> {
    for (const step of steps) {
      if (step.kind === "start") await this.#sleep(step.ms, signal);
      if (step.kind === "fail") {
        throw new ConstellationError("instance.start-failed", `Cannot start ${name}: ${step.errno}`, {
          details: { errno: step.errno },
        });
      }
    }
    if (signal.aborted) {
      throw new ConstellationError("call.cancelled", `Cannot start ${name}: the start was cancelled`, {
        cause: signal.reason,
      });
    }
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#world.clock.after(ms, resolve);
      signal.addEventListener("abort", () => (timer.cancel(), resolve()), { once: true });
    });
  }

  async #mayCrash(point: CrashPoint): Promise<void> {
    if (this.#world.takeCrash(point)) await new Promise(() => {});
  }
}
