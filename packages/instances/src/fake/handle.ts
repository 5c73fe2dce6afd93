import { ConstellationError, type Exit, type InstanceDetails, type Resources } from "@constellation/contract";
import type { CallOptions, RunHandle, RunLogLine } from "../driver/driver.ts";
import type { ExecRequest, ExecSession } from "../driver/exec.ts";
import { emptyReading, type Reading } from "../driver/reading.ts";
import type { RunFacts, RunNotes } from "../driver/run-facts.ts";
import { instanceName } from "../driver/start-request.ts";
import { fakeExec } from "./exec.ts";
import type { FakeRun, FakeWorld } from "./world.ts";

/** A fake run as its daemon holds it. */
export class FakeHandle implements RunHandle {
  readonly facts: RunFacts;
  readonly #run: FakeRun;
  readonly #world: FakeWorld;
  #killTimer: { cancel(): void } | null = null;

  constructor(run: FakeRun, world: FakeWorld) {
    this.#run = run;
    this.#world = world;
    const { request, pid, startedAt } = run;
    this.facts = {
      runId: request.runId,
      pid,
      start: "cold",
      startedAt,
      measures: [{ name: "isolation", state: "missing", detail: "a fake program runs only in the imagination" }],
      logFile: null,
      dataFolder: null,
      environment: request.env,
      address: "127.0.0.1",
      doors: {},
    };
    // A stop that an earlier daemon began goes on with what is left of its grace.
    if (run.stop !== null && run.exit === null) this.#armKill(run.stop.killAt);
  }

  wait(): Promise<Exit> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#run.exit === null) return;
        this.#run.watchers.delete(look);
        resolve(this.#run.exit);
      };
      this.#run.watchers.add(look);
      look();
    });
  }

  stop(signal: string, graceMs: number): Promise<Exit> {
    const run = this.#run;
    if (run.exit !== null) return this.wait();
    const killAt = this.#world.clock.nowMs() + graceMs;
    const first = run.stop === null;
    if (run.stop === null || killAt < run.stop.killAt) {
      run.stop = { signal, graceMs, killAt, killed: false };
      this.#armKill(killAt);
    }
    if (graceMs > 0 && first) run.program.signal(signal);
    return this.wait();
  }

  kill(): Promise<Exit> {
    return this.stop("SIGKILL", 0);
  }

  exec(request: ExecRequest, _options: CallOptions): Promise<ExecSession> {
    if (this.#run.exit === null) return Promise.resolve(fakeExec(request, this.#world.clock));
    return Promise.reject(
      new ConstellationError(
        "instance.not-running",
        `Cannot run ${JSON.stringify(request.argv[0])} in ${instanceName(this.#run.request)}: it has ended`,
      ),
    );
  }

  inspect(): Promise<Pick<InstanceDetails, "processes">> {
    const { exit, pid, request } = this.#run;
    if (exit !== null) return Promise.resolve({ processes: [] });
    const command = request.run.kind === "command" ? request.run.argv.join(" ") : request.run.file;
    return Promise.resolve({ processes: [{ pid, parent: 1, command, state: "S", memoryBytes: 1_000_000 }] });
  }

  stats(): Reading | null {
    if (this.#run.exit !== null) return null;
    const ranMs = this.#world.clock.nowMs() - this.#run.startedAt;
    return {
      ...emptyReading,
      cpuTimeUs: ranMs * 10,
      countersAtMs: performance.now(),
      memoryBytes: 1_000_000,
      processes: 1,
      threads: 1,
    };
  }

  limit(resources: Resources): Promise<boolean> {
    if (this.#run.exit !== null || this.#world.unbending.has(this.#run.request.app)) return Promise.resolve(false);
    this.#run.resources = resources;
    return Promise.resolve(true);
  }

  plan(): Promise<string> {
    const { run } = this.#run.request;
    const words = run.kind === "command" ? run.argv : run.args;
    return Promise.resolve(words.map((word, at) => `${at + 1}. ${word}`).join("\n"));
  }

  async *logs({ from, signal }: CallOptions & { readonly from: "beginning" | "now" }): AsyncIterable<RunLogLine> {
    const run = this.#run;
    let next = from === "beginning" ? 0 : run.droppedLines + run.lines.length;
    while (!signal.aborted) {
      if (next < run.droppedLines) next = run.droppedLines;
      const line = run.lines[next - run.droppedLines];
      if (line !== undefined) {
        next += 1;
        yield line;
      } else if (run.exit !== null) return;
      else await changed(run, signal);
    }
  }

  remember(notes: RunNotes): Promise<void> {
    this.#run.notes = notes;
    return Promise.resolve();
  }

  detach(): void {
    this.#killTimer?.cancel();
  }

  #armKill(killAt: number): void {
    this.#killTimer?.cancel();
    this.#killTimer = this.#world.clock.after(killAt - this.#world.clock.nowMs(), () => {
      const { stop } = this.#run;
      if (this.#run.exit !== null || stop === null) return;
      stop.killed = true;
      this.#run.program.signal("SIGKILL");
    });
  }
}

/** Resolves at the next change of a run, or at the abort. */
function changed(run: FakeRun, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      run.watchers.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    run.watchers.add(done);
    signal.addEventListener("abort", done, { once: true });
  });
}
