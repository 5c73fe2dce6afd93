import { ConstellationError, type Exit, type InstanceDetails, type Resources } from "@constellation/contract";
import { type Cgroup, openCgroup, signalProcess } from "@constellation/host";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../driver/clock.ts";
import type { CallOptions, RunHandle, RunLogLine } from "../driver/driver.ts";
import type { ExecRequest, ExecSession } from "../driver/exec.ts";
import type { Look, Reading } from "../driver/reading.ts";
import type { RunFacts, RunNotes } from "../driver/run-facts.ts";
import { signalNumber } from "../driver/signal-names.ts";
import { instanceName } from "../driver/start-request.ts";
import { type HostFacts, identityOf, killInstance, type PidFile, signalInstance, watchLife } from "../launch/index.ts";
import { followLog } from "../logs/follow-log.ts";
import { logEnd } from "../logs/log-files.ts";
import { MetricSocket } from "../metrics/metric-socket.ts";
import { readAheadRecord } from "./ahead-record.ts";
import { limitMeasures, relimit } from "./cgroup-limits.ts";
import { clearLost, killDirectly } from "./clear-lost.ts";
import { exitOf, firstExitOf } from "./end-of-run.ts";
import { runFiles } from "./folders.ts";
import { openExec } from "./open-exec.ts";
import { ownerOf } from "./owner-of.ts";
import { printedPlans } from "./printed-plans.ts";
import { processesOf } from "./process-list.ts";
import { type RunRecord, readStop, type StopIntent, writeNotes, writeRunRecord, writeStop } from "./run-record.ts";
import { RunReader } from "./run-reader.ts";
import { wrappedProgram } from "./wrapper/wrapped-program.ts";

/** What a handle is made of. */
export interface ProcessHandleOptions {
  readonly folder: string;
  readonly record: RunRecord;
  readonly pids: PidFile;
  readonly host: HostFacts;
  readonly clock: Clock;
  readonly bootedAt: number;
  /** Any path on the disk whose rates are limited. */
  readonly disk: string;
  /** Told what went wrong without holding anything up. */
  readonly report: (text: string, error: unknown) => void;
  readonly started?: JustStarted;
}

/** Said by who has just started a run: nobody can have begun to stop it, and its control group is open. */
export interface JustStarted {
  readonly cgroup: Cgroup | null;
}

/** Time that a supervisor has to end its tree before its control group is killed over its head. */
const killPatienceMs = 2000;

/** After which something that could not be done is tried again. */
const insistMs = 500;

/** What can wait does so until whoever waited for the start has heard of it. */
const breathMs = 5;
/** The shortest time in which that may have happened. */
const newsMs = 1;

/** A run as this daemon holds it. It reaches the run through its folder only, so that any daemon can. */
export class ProcessHandle implements RunHandle {
  facts: RunFacts;
  readonly #options: ProcessHandleOptions;
  #record: RunRecord;
  /** In force; it can change while the run goes on. */
  #memoryLimitBytes: number | null;
  readonly #cgroup: Cgroup | null;
  readonly #reader: RunReader;
  readonly #letGo = new AbortController();
  readonly #over = new AbortController();
  readonly #end: Promise<Exit>;
  #metrics: MetricSocket | null = null;
  /** To be kept as soon as there is time. */
  #notes: RunNotes | null = null;
  /** What was begun to stop it, written down or not. */
  #stopping: StopIntent | null = null;
  #kill: { readonly at: number; cancel(): void } | null = null;

  constructor(options: ProcessHandleOptions) {
    const { folder, record, pids, started } = options;
    this.#options = options;
    this.#record = record;
    this.#cgroup = started?.cgroup ?? (record.cgroup === null ? null : (openCgroup(record.cgroup) ?? null));
    const program = identityOf(pids.main ?? pids.init ?? pids.supervisor);
    const { pid } = program;
    const doors = doorsFrom(record, pid);
    this.facts = { ...record.facts, doors, pid, startedAt: pids.startedAtMs ?? options.clock.nowMs() };
    this.#memoryLimitBytes = memoryLimitOf(record);
    this.#reader = new RunReader({
      cgroup: this.#cgroup,
      process: program,
      memoryLimitBytes: () => this.#memoryLimitBytes,
      ownPids: record.launch.isolation.pid,
    });
    // Before the watch begins: who cannot read it, for want of a descriptor, leaves none behind either.
    const stop = started === undefined ? readStop(folder) : null;
    this.#stopping = stop;
    this.#end = this.#watch();
    // Whoever waits is told; a handle that was let go has nobody who waits.
    this.#end.catch(() => {});
    // An earlier daemon began to stop it, and perhaps died before it could send the signal.
    if (stop !== null) {
      if (stop.graceMs > 0) this.#signal(stop.signal);
      // The machine's clock may have been set back since.
      this.#armKill(Math.min(stop.killAt, options.clock.nowMs() + stop.graceMs));
    }
    // That it runs is told first.
    setTimeout(() => void this.#openMetrics(), breathMs);
  }

  wait(): Promise<Exit> {
    return this.#end;
  }

  stop(signal: string, graceMs: number): Promise<Exit> {
    if (this.#over.signal.aborted) return this.#end;
    const { clock, folder } = this.#options;
    const before = this.#stopping ?? readStop(folder);
    const killAt = clock.nowMs() + graceMs;
    if (before === null || killAt < before.killAt) this.#noteStop({ signal, graceMs, killAt });
    if (graceMs > 0 && before === null) this.#signal(signal);
    this.#armKill(Math.min(killAt, before?.killAt ?? killAt));
    return this.#end;
  }

  kill(): Promise<Exit> {
    return this.stop("SIGKILL", 0);
  }

  async exec(request: ExecRequest, { signal }: CallOptions): Promise<ExecSession> {
    const { record, pids, host } = this.#options;
    if (this.#over.signal.aborted) {
      throw new ConstellationError(
        "instance.not-running",
        `Cannot run ${JSON.stringify(request.argv[0])} in ${instanceName(record.request)}: it has ended`,
      );
    }
    return await openExec(request, { record, pids, cgroup: this.#cgroup, host, over: this.#over.signal }, signal);
  }

  inspect(): Promise<Pick<InstanceDetails, "processes">> {
    return Promise.resolve({ processes: processesOf(this.#cgroup, this.#options.pids) });
  }

  stats(look: Look = "whole"): Reading | null {
    if (this.#over.signal.aborted) return null;
    return this.#reader.read(look, this.#metrics?.values());
  }

  limit(resources: Resources): Promise<boolean> {
    if (this.#cgroup === null || this.#over.signal.aborted) return Promise.resolve(false);
    const { request, facts } = this.#record;
    const { disk } = this.#options;
    const measures = relimit(this.#cgroup, resources, disk, this.facts.measures);
    if (measures === null) {
      // Some of them may be in force by now: all of them come with a new run.
      relimit(this.#cgroup, request.resources, disk, this.facts.measures);
      return Promise.resolve(false);
    }
    this.#record = { ...this.#record, request: { ...request, resources }, facts: { ...facts, measures } };
    this.facts = { ...this.facts, measures };
    this.#memoryLimitBytes = memoryLimitOf(this.#record);
    writeRunRecord(this.#options.folder, this.#record);
    return Promise.resolve(true);
  }

  plan(): Promise<string> {
    const { record, host, folder } = this.#options;
    return Promise.resolve(printedPlans(record, readAheadRecord(folder), host));
  }

  logs({ from, signal }: CallOptions & { readonly from: "beginning" | "now" }): AsyncIterable<RunLogLine> {
    const { record } = this.#options;
    const path = record.facts.logFile;
    if (path === null) return nothing();
    const position = from === "now" ? logEnd(path) : record.logFrom;
    return followLog(path, { from: position, ended: this.#over.signal, signal });
  }

  /** Kept in a moment, after what waits for the news; what is learned meanwhile goes along. */
  async remember(notes: RunNotes): Promise<void> {
    this.#notes = notes;
    await sleep(breathMs);
    if (this.#notes === null || this.#over.signal.aborted) return;
    writeNotes(this.#options.folder, this.#notes);
    this.#notes = null;
  }

  detach(): void {
    this.#letGo.abort();
    this.#kill?.cancel();
    this.#close();
  }

  async #watch(): Promise<Exit> {
    const { folder, pids, clock, bootedAt, report, started } = this.#options;
    // That it runs is told first; how it ends can be learned at any time.
    if (started !== undefined) await sleep(newsMs);
    const end = await watchLife(folder, { signal: this.#letGo.signal });
    // A supervisor that was killed left its tree to us.
    if (end.kind === "lost") await clearLost(pids, this.#cgroup);
    const found = end.kind === "ended" ? end.record : null;
    const wording = started === undefined ? exitOf : firstExitOf;
    const stop = this.#stopping ?? readStop(folder);
    const facts = { found, stop, cgroup: this.#cgroup, nowMs: clock.nowMs(), bootedAt, report };
    const exit = wording(folder, this.#record, facts);
    this.#over.abort();
    this.#kill?.cancel();
    this.#close();
    return exit;
  }

  /** To the program itself: a wrapper in between would only die of it, and needs a moment until it has begun. */
  #signal(name: string): void {
    const { folder, pids, clock } = this.#options;
    const number = signalNumber(name);
    this.#insist(() => {
      if (this.#record.wrapper === null) {
        // Who deleted its folder took away the way to its supervisor.
        const isHeard = signalInstance(folder, number) === "sent";
        if (!isHeard && pids.main !== null) signalProcess(identityOf(pids.main), name as NodeJS.Signals);
        return;
      }
      const program = wrappedProgram(this.#record, pids);
      if (program !== undefined) signalProcess(program, name as NodeJS.Signals);
      else clock.after(10, () => this.#isOver || this.#signal(name));
    });
  }

  /** What cannot be done now, for want of a descriptor for one, is done a little later: nobody else would. */
  #insist(act: () => void, isTold = false): void {
    const { clock, report } = this.#options;
    try {
      act();
    } catch (error) {
      const what = "its stop is held up, and goes on as soon as it can";
      if (!isTold) report(`${instanceName(this.#record.request)}: ${what}`, error);
      clock.after(insistMs, () => this.#isOver || this.#insist(act, true));
    }
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted || this.#letGo.signal.aborted;
  }

  /** A stop needs no disk: where none is left it goes on, and only the next daemon would not know of it. */
  #noteStop(stop: StopIntent): void {
    this.#stopping = stop;
    const { folder, report } = this.#options;
    try {
      writeStop(folder, stop);
    } catch (error) {
      const name = instanceName(this.#record.request);
      report(
        `${name}: its stop goes on, but is not written down: a next daemon would not know that it was begun`,
        error,
      );
    }
  }

  #armKill(at: number): void {
    if (this.#kill !== null && this.#kill.at <= at) return;
    this.#kill?.cancel();
    const timer = this.#options.clock.after(at - this.#options.clock.nowMs(), () => this.#killNow());
    this.#kill = { at, cancel: () => timer.cancel() };
  }

  #killNow(): void {
    const { clock, folder, pids } = this.#options;
    this.#insist(() => {
      if (killInstance(folder) === "gone") killDirectly(pids);
    });
    const timer = clock.after(killPatienceMs, () => void this.#killOverHead());
    this.#kill = { at: 0, cancel: () => timer.cancel() };
  }

  /** Without its supervisor, which may be stuck. And so on until it is over: what keeps it from that may end at any time. */
  async #killOverHead(): Promise<void> {
    await clearLost(this.#options.pids, this.#cgroup).catch(() => undefined);
    if (!this.#isOver) this.#killNow();
  }

  async #openMetrics(): Promise<void> {
    const path = join(this.#options.folder, runFiles.sockets, runFiles.metrics);
    if (this.#isOver) return;
    try {
      const socket = await MetricSocket.open(path, ownerOf(this.#record.launch.user));
      if (this.#isOver) socket.close();
      else this.#metrics = socket;
    } catch {
      // Custom numbers are a courtesy: without the socket the instance runs as well. `custom` stays empty.
    }
  }

  #close(): void {
    this.#reader.close();
    this.#cgroup?.close();
    this.#metrics?.close();
    this.#metrics = null;
  }
}

/** A door in a file tree of its own is reached through the root of the program that opened it. */
function doorsFrom({ facts, launch }: RunRecord, pid: number): RunFacts["doors"] {
  if (!launch.isolation.root) return facts.doors;
  return Object.fromEntries(Object.entries(facts.doors).map(([name, path]) => [name, `/proc/${pid}/root${path}`]));
}

async function* nothing(): AsyncIterable<RunLogLine> {}

/** The limit that is in force; `bestEffort` may have asked for one that the machine does not have. */
const memoryLimitOf = ({ request, facts }: RunRecord): number | null =>
  facts.measures.some(({ name, state }) => name === limitMeasures.memory && state === "on")
    ? request.resources.memoryBytes
    : null;
