import { mkdirSync } from "node:fs";
import { type AppSpec, ConstellationError, defaultIsolation, type Feature, noLimits } from "@constellation/contract";
import { uptimeMs } from "@constellation/host";
import { join } from "node:path";
import { type Clock, systemClock } from "../driver/clock.ts";
import type { CallOptions, Driver, FoundRun, Recovery, RunHandle } from "../driver/driver.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import { isWired, buildPlan, type LaunchRequest, ensureNetworkHost, type PidFile, Spawner } from "../launch/index.ts";
import { type Abilities, findAbilities, type IsolationLane } from "./abilities.ts";
import { abandon } from "./abandon.ts";
import { Feasibility } from "./feasibility.ts";
import { FoldersAhead } from "./folders-ahead.ts";
import { type DriverFolders, dataRoot, logsFolder, runFolder, runsFolder } from "./folders.ts";
import { forgetApp, forgetUnwritten } from "./forget-app.ts";
import { firstNumber } from "./first-number.ts";
import { InstanceNumbers } from "./instance-numbers.ts";
import { KeptRuns } from "./kept-runs.ts";
import { type Prepared, prepare, slotNeedsOf } from "./prepare.ts";
import { type JustStarted, ProcessHandle } from "./process-handle.ts";
import { featuresOf } from "./features.ts";
import { type RunRecord, writeRunRecord } from "./run-record.ts";
import { assignSlot, type Slot } from "./slot/slot.ts";
import type { SlotNeeds } from "./slot/slot-shape.ts";
import { slotFeature } from "./slot/slot-feature.ts";
import { defaultStockBudget, SlotStock } from "./slot/slot-stock.ts";
import type { StockBudget } from "./slot/plan-stock.ts";
import { startError } from "./start-error.ts";
import { machineTrials, type Trials } from "./trials.ts";

/** Settings of the process driver. */
export interface ProcessDriverOptions extends DriverFolders {
  /** Name below which its control groups lie; two daemons of one machine need two. @default "constellation" */
  readonly cgroupBase?: string;
  /** By what instances are kept apart. @default "auto": the launcher, else bubblewrap, else plain namespaces, else nothing; `probe` tells */
  readonly isolateBy?: IsolationLane;
  /**
   * `prepare`: switch forwarding on and translate addresses, so that private networks reach the world and `auto` means
   * private. `as-is`: change nothing on this machine. @default "as-is"
   */
  readonly network?: "prepare" | "as-is";
  readonly clock?: Clock;
  /** How many namespaces may wait for instances, and when. `slots: 0`: none, every start is cold. @default {@link defaultStockBudget} */
  readonly slots?: StockBudget;
  /** Told what went wrong without holding anything up. @default nobody is told */
  readonly report?: (text: string, error: unknown) => void;
}

/** What it lets other drivers use: the same machine, the same folders, the same records. */
export interface ProcessParts {
  readonly folders: DriverFolders;
  readonly clock: Clock;
  readonly abilities: Abilities;
  readonly numbers: InstanceNumbers;
  readonly newFolders: FoldersAhead;
  readonly spawner: () => Promise<Spawner>;
  /** Takes a run that has just been started in hand. */
  readonly handle: (folder: string, record: RunRecord, pids: PidFile, started: JustStarted) => RunHandle;
}

/** Runs programs of this machine, each in namespaces and a control group of its own, under a supervisor that outlives the daemon. */
export class ProcessDriver implements Driver {
  readonly name = "process";
  readonly #folders: DriverFolders;
  readonly #clock: Clock;
  #found: Abilities | null = null;
  #feasibility: Feasibility | null = null;
  readonly #numbers: InstanceNumbers;
  readonly #newFolders: FoldersAhead;
  readonly #bootedAt: number;
  readonly #report: (text: string, error: unknown) => void;
  readonly #runs: KeptRuns;
  #spawner: Promise<Spawner> | null = null;
  #slots: SlotStock | null = null;
  readonly #counts = { slot: 0, cold: 0 };

  private constructor(options: ProcessDriverOptions) {
    const { clock = systemClock, runtime, state, report = () => undefined } = options;
    this.#report = report;
    this.#folders = { runtime, state };
    this.#clock = clock;
    this.#bootedAt = clock.nowMs() - uptimeMs();
    for (const folder of [runtime, runsFolder(options), state, dataRoot(options), logsFolder(options)])
      mkdirSync(folder, { recursive: true, mode: 0o711 });
    this.#numbers = new InstanceNumbers(state, firstNumber(state), isWired);
    this.#newFolders = new FoldersAhead(this.#folders);
    this.#runs = new KeptRuns({
      folders: this.#folders,
      clock,
      bootedAt: this.#bootedAt,
      report,
      takeUp: (...found) => this.#handle(...found),
    });
  }

  /**
   * Opens the driver on its folders and clears what starts that died half way have left there. Only one at a time may
   * use them; the daemon's lock sees to that.
   */
  static async open(options: ProcessDriverOptions): Promise<ProcessDriver> {
    if (options.network === "prepare") await ensureNetworkHost();
    const driver = new ProcessDriver(options);
    try {
      const spawner = await driver.#readySpawner();
      const { runtime, cgroupBase = "constellation", isolateBy: lane = "auto", slots } = options;
      driver.#found = await findAbilities({ cgroupBase, runtime, lane, spawner });
      await driver.#runs.sweep(driver.#found);
      driver.#newFolders.fill();
      driver.#openSlots(slots);
      return driver;
    } catch (error) {
      await driver.close();
      throw error;
    }
  }

  probe(): Promise<Feature[]> {
    return Promise.resolve([...featuresOf(this.#abilities), slotFeature(this.#slots, this.#counts)]);
  }

  check(spec: AppSpec): Promise<void> {
    return this.#ready().check(spec);
  }

  async start(request: StartRequest, { signal }: CallOptions): Promise<RunHandle> {
    await this.#ready().checkStart(request);
    const inSlot = await this.#start(request, signal, (needs, folder) => this.#slots?.take(needs, folder) ?? null);
    // The slot had ended, and nothing of the run has happened yet.
    return inSlot ?? (await this.#start(request, signal, () => null)) ?? unstarted(request);
  }

  /** Null when the slot that was to become the run had ended. */
  async #start(request: StartRequest, signal: AbortSignal, slots: TakeSlot): Promise<ProcessHandle | null> {
    const name = instanceName(request);
    cancelled(name, signal);
    const folder = runFolder(this.#folders, request.runId);
    const taken: { slot: Slot | null } = { slot: null };
    let prepared: Prepared | null = null;
    try {
      const ahead = (needs: SlotNeeds): Slot | null => (taken.slot = slots(needs, folder));
      prepared = await prepare(request, this.#numbers.take(name), this.parts, ahead);
      const { cgroup, ...rest } = prepared;
      const { slot } = taken;
      const record = {
        request,
        ...rest,
        facts: { ...rest.facts, start: slot === null ? ("cold" as const) : ("slot" as const) },
        cgroup: cgroup?.location ?? null,
      };
      writeRunRecord(folder, record);
      cancelled(name, signal);
      const launched = await this.#launch(prepared.launch, slot, signal);
      if (launched === "gone") {
        await abandon(folder, cgroup, prepared.launch.startTimeoutMs);
        return null;
      }
      this.#counts[record.facts.start] += 1;
      return this.#handle(folder, { version: 1, ...record }, launched, { cgroup });
    } catch (error) {
      const cgroup = prepared?.cgroup ?? taken.slot?.group?.cgroup ?? null;
      await abandon(folder, cgroup, prepared?.launch.startTimeoutMs ?? 0);
      throw startError(name, error);
    }
  }

  async #launch(launch: LaunchRequest, slot: Slot | null, signal: AbortSignal): Promise<PidFile | "gone"> {
    if (slot !== null) return assignSlot(slot, launch, signal);
    const plan = buildPlan(launch, this.#abilities.facts);
    return (await this.#readySpawner()).launch(plan, { signal });
  }

  async recover(runId: string, options: Partial<CallOptions> = {}): Promise<Recovery> {
    const recovery = await this.#runs.recover(runId, options);
    // It may be started again, as any other.
    if (recovery.status === "running") this.expect(recovery.request);
    return recovery;
  }

  list(): Promise<FoundRun[]> {
    return Promise.resolve(this.#runs.list());
  }

  release(runId: string): Promise<void> {
    return this.#runs.release(runId);
  }

  async forget(app: string): Promise<boolean> {
    return forgetApp(app, this.#folders, this.#numbers);
  }

  async forgetUnwritten(app: string): Promise<void> {
    forgetUnwritten(app, this.#folders, this.#numbers);
  }

  async close(): Promise<void> {
    await this.#slots?.close();
    this.#slots = null;
    await this.#newFolders.close();
    this.#numbers.close();
    const spawner = await this.#spawner?.catch(() => null);
    this.#spawner = null;
    await spawner?.close();
  }

  /** What drivers that are built on this one share with it. */
  get parts(): ProcessParts {
    return {
      folders: this.#folders,
      clock: this.#clock,
      abilities: this.#abilities,
      numbers: this.#numbers,
      newFolders: this.#newFolders,
      spawner: () => this.#readySpawner(),
      handle: (...started) => this.#handle(...started),
    };
  }

  #ready(): Feasibility {
    const trials = (): Trials => machineTrials(this.#abilities, this.#folders, () => this.#readySpawner());
    return (this.#feasibility ??= new Feasibility(this.#abilities, this.#folders, trials()));
  }

  get #abilities(): Abilities {
    if (this.#found === null) throw new Error("the process driver was used before it was open");
    return this.#found;
  }

  #handle(folder: string, record: RunRecord, pids: PidFile, started?: JustStarted): ProcessHandle {
    return new ProcessHandle({
      folder,
      record,
      pids,
      host: this.#abilities.facts,
      clock: this.#clock,
      bootedAt: this.#bootedAt,
      ...(started === undefined ? {} : { started }),
      disk: this.#folders.state,
      report: this.#report,
    });
  }

  /** Who is no root cannot finish later what was begun. */
  #openSlots(budget: StockBudget = defaultStockBudget): void {
    const { facts, cgroups } = this.#abilities;
    if (!facts.privileged || budget.slots === 0) return;
    const parts = {
      folders: this.#folders,
      abilities: { facts, cgroups },
      spawner: () => this.#readySpawner(),
      nowMs: () => this.#clock.nowMs(),
    };
    this.#slots = new SlotStock(parts, budget);
    // An app that asks for nothing.
    this.expect({ isolation: defaultIsolation, resources: noLimits, mounts: [], ports: [] });
  }

  /** Notes that such a start may come; false when it could not be in a slot. */
  expect(request: Parameters<typeof slotNeedsOf>[0]): boolean {
    const needs = slotNeedsOf(request, this.#abilities);
    return needs !== null && (this.#slots?.expect(needs) ?? false);
  }

  /** Whether a start of this request would find a slot that waits. */
  hasSlotFor(request: StartRequest): boolean {
    const needs = slotNeedsOf(request, this.#abilities);
    return needs !== null && (this.#slots?.has(needs) ?? false);
  }

  /** The spawner, started when there is none or when somebody killed it. */
  async #readySpawner(): Promise<Spawner> {
    const asked = this.#spawner;
    const present = await asked?.catch(() => null);
    if (present?.pid !== undefined) return present;
    // Of several that find it gone one starts the next.
    if (this.#spawner === asked) this.#spawner = this.#startSpawner();
    return await (this.#spawner ?? this.#startSpawner());
  }

  async #startSpawner(): Promise<Spawner> {
    const spawner = new Spawner({ lockFile: join(this.#folders.runtime, "spawner.lock") });
    await spawner.start();
    return spawner;
  }
}

type TakeSlot = (needs: SlotNeeds, folder: string) => Slot | null;

/** A start without a slot always starts or throws. */
function unstarted(request: StartRequest): never {
  throw new Error(`the start of ${instanceName(request)} neither started nor failed`);
}

/** @throws ConstellationError `call.cancelled` */
function cancelled(name: string, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new ConstellationError("call.cancelled", `Cannot start ${name}: the start was cancelled`, {
    cause: signal.reason,
  });
}
