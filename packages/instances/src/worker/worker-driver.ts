import { type AppSpec, defaultIsolation, type Feature } from "@constellation/contract";
import type { CallOptions, Driver, FoundRun, Recovery, RunHandle } from "../driver/driver.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { ProcessDriver } from "../process/process-driver.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { CompiledPrograms } from "./compiled-programs.ts";
import { discardSpare, type Spare } from "./spare.ts";
import { Spares } from "./spares.ts";
import { startWarm, takesNumber } from "./warm-start.ts";

/** Settings of the worker driver. */
export interface WorkerDriverOptions {
  /**
   * How many warm Nodes may wait. More make bursts of starts faster and take about 10 MB each; 0: none waits, every start
   * is cold. @default "auto": 2 % of the memory that is available, 1 to 4
   */
  readonly spares?: number | "auto";
  /** Takes what went wrong with a warm start that was made cold instead. */
  readonly report?: (text: string, error: unknown) => void;
}

/**
 * Runs scripts on a Node that waits for them, in its namespaces and control group already: they begin within a few
 * milliseconds. Everything else, and what no waiting Node fits, is the process driver's, which it stands on; a run is the
 * same whichever way it started.
 */
export class WorkerDriver implements Driver {
  readonly name = "process";
  readonly #process: ProcessDriver;
  readonly #spares: Spares | null;
  readonly #compiled: CompiledPrograms;
  readonly #report: (text: string, error: unknown) => void;
  readonly #counts = { warm: 0, cold: 0 };

  constructor(process: ProcessDriver, { spares = "auto", report = () => undefined }: WorkerDriverOptions = {}) {
    this.#process = process;
    this.#report = report;
    this.#compiled = new CompiledPrograms(process.parts, report);
    this.#spares = spares === 0 || this.#missing !== null ? null : new Spares(process.parts, plainShape(), spares);
  }

  /** Whether a warm Node waits that fits this request. */
  waitsFor(request: StartRequest): boolean {
    const fit = shapeOf(request);
    return fit.kind === "shape" && this.#spares?.has(fit.shape) === true;
  }

  async probe(): Promise<Feature[]> {
    return [...(await this.#process.probe()), this.#feature()];
  }

  check(spec: AppSpec): Promise<void> {
    return this.#process.check(spec);
  }

  async start(request: StartRequest, options: CallOptions): Promise<RunHandle> {
    const fit = shapeOf(request);
    if (fit.kind === "none" || this.#spares === null) return await this.#process.start(request, options);
    const warm = await this.#tryWarm(request, fit.shape, this.#spares, options.signal);
    this.#counts[warm === null ? "cold" : "warm"] += 1;
    return warm ?? (await this.#process.start(request, options));
  }

  async recover(runId: string, options?: Partial<CallOptions>): Promise<Recovery> {
    const recovery = await this.#process.recover(runId, options);
    if (recovery.status === "running") {
      const fit = shapeOf(recovery.request);
      if (fit.kind === "shape") this.#spares?.note(fit.shape);
    }
    return recovery;
  }

  list(): Promise<FoundRun[]> {
    return this.#process.list();
  }

  release(runId: string): Promise<void> {
    return this.#process.release(runId);
  }

  forget(app: string): Promise<boolean> {
    return this.#process.forget(app);
  }

  forgetUnwritten(app: string): Promise<void> {
    return this.#process.forgetUnwritten(app);
  }

  async close(): Promise<void> {
    await this.#compiled.close();
    await this.#spares?.close();
    await this.#process.close();
  }

  /** Null when it must start cold, for whatever reason: that way every error is told as it would have been. */
  async #tryWarm(request: StartRequest, shape: Shape, spares: Spares, signal: AbortSignal): Promise<RunHandle | null> {
    if (signal.aborted) return null;
    const spare = spares.take(shape);
    if (spare === null) return null;
    try {
      const ready = await this.#readied(request, shape, spare);
      return ready === null ? null : await startWarm(request, spare, this.#process.parts, { ...ready, signal });
    } catch (error) {
      if (!signal.aborted)
        this.#report(`${instanceName(request)} starts cold: the Node that waited did not take it`, error);
    }
    return null;
  }

  /** Gives an instance the number of a spare that it can have; when it cannot, nothing of the spare is left. */
  async #readied(
    request: StartRequest,
    shape: Shape,
    spare: Spare,
  ): Promise<{ readonly compiled: string | null } | null> {
    const { parts } = this.#process;
    try {
      if (takesNumber(request, spare, parts))
        return { compiled: request.run.kind === "script" ? this.#compiled.find(request.run.file, shape) : null };
    } catch (error) {
      await discardSpare(spare, parts);
      throw error;
    }
    await discardSpare(spare, parts);
    return null;
  }

  /** What this machine lacks for programs that wait; null when nothing. */
  get #missing(): string | null {
    const { facts, namespaces, wrapper, isolation } = {
      ...this.#process.parts.abilities,
      isolation: defaultIsolation,
    };
    if (!facts.privileged) return "a Node that waits needs a root daemon";
    if (namespaces.plainMissing !== null && namespaces.withUserMissing !== null) return "it needs namespaces";
    if (wrapper !== null || isolation.pid === "off") return "it needs the launcher";
    return null;
  }

  #feature(): Feature {
    const missing = this.#missing;
    const name = "driver.worker";
    const { warm, cold } = this.#counts;
    if (missing !== null)
      return { name, state: "missing", detail: `scripts start cold: ${missing}`, remedy: "Run the daemon as root." };
    if (this.#spares === null)
      return { name, state: "missing", detail: "switched off: scripts start cold", remedy: null };
    const { waiting, budget, trouble } = this.#spares.view;
    const detail = `${waiting} of at most ${budget} warm Nodes wait; ${warm} of ${warm + cold} scripts started warm`;
    if (trouble === null) return { name, state: budget === 0 ? "partial" : "available", detail, remedy: null };
    return { name, state: "partial", detail: `${detail}; the last could not be made`, remedy: trouble };
  }
}

/** That of an app which asks for nothing. */
function plainShape(): Shape {
  const fit = shapeOf({
    run: { kind: "script", file: "/a.mjs", args: [] },
    env: {},
    isolation: defaultIsolation,
    ports: [],
    resources: { memoryBytes: null, networkInBitsPerSecond: null, networkOutBitsPerSecond: null },
  });
  if (fit.kind === "none") throw new Error(`the plainest app fits no warm Node: ${fit.reason}`);
  return fit.shape;
}
