import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AppInput, AppSummary, Event, Instance } from "@constellation/contract";
import { MemoryLogStore, MemoryStateStore } from "@constellation/engine";
import { FakeDriver, FakeWorld, systemClock } from "@constellation/instances";
import { afterAll } from "vitest";
import { type Daemon, startDaemon } from "../../src/daemon.ts";
import { type Death, mortalDriver, mortalStore } from "./mortal.ts";
import { MemoryArchive } from "../../src/observe/index.ts";

/** What dead daemons still have under way, and the folders that they may write to. */
const dying: Promise<unknown>[] = [];
const folders: string[] = [];
afterAll(async () => {
  await Promise.all(dying);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A machine whose programs are imagined and whose disk is in memory; daemons come and go on it. */
export class Machine {
  readonly world = new FakeWorld(systemClock);
  readonly store: MemoryStateStore;
  readonly archive = new MemoryArchive();
  readonly folder = mkdtempSync(join(tmpdir(), "constellation-daemon-"));
  readonly reports: string[] = [];
  boot = "first boot";
  #daemon: Daemon | null = null;
  #starts = 0;

  constructor(store = new MemoryStateStore()) {
    this.store = store;
  }

  /** Starts a daemon that dies when `death` comes. */
  async start(death?: Death): Promise<Daemon> {
    const driver = new FakeDriver(this.world);
    this.#starts += 1;
    folders.push(this.folder);
    const start = this.#starts;
    const daemon = await startDaemon({
      store: death === undefined ? this.store : mortalStore(this.store, death),
      logs: new MemoryLogStore(),
      telemetry: { sample: () => undefined },
      archive: this.archive,
      newestEvent: this.archive.events.at(-1),
      artifacts: {
        has: (sha256) => Promise.resolve(sha256.startsWith("a")),
        get: () => Promise.reject(new Error("nobody reads an artifact here")),
        put: () => Promise.resolve(),
        file: (sha256) => Promise.resolve(`/artifacts/${sha256}.mjs`),
        collect: () => Promise.resolve(),
      },
      driver: death === undefined ? driver : mortalDriver(driver, death),
      portsFolder: join(this.folder, "ports"),
      dataFolder: this.folder,
      stateDirectory: this.folder,
      clock: systemClock,
      random: Math.random,
      bootId: () => this.boot,
      report: (text, error) => this.reports.push(`${text}: ${error instanceof Error ? error.stack : String(error)}`),
      quit: () => undefined,
      lost: (reason) => this.reports.push(`lost: ${JSON.stringify(reason)}`),
    });
    // One that died while it started must not come back as the living one.
    if (start === this.#starts) this.#daemon = daemon;
    else dying.push(daemon.stop().catch(() => undefined));
    return daemon;
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error("no daemon runs on this machine");
    return this.#daemon;
  }

  /** Takes the dead daemon's body away: its timers, so that a test can end. */
  async bury(): Promise<void> {
    if (this.#daemon !== null) dying.push(this.#daemon.stop().catch(() => undefined));
    this.#daemon = null;
    // Its timers stand still before the next one starts.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends the daemon in order: instances go on. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  up(...apps: AppInput[]) {
    return this.daemon.platform.apply({ apps });
  }

  async status(name: string): Promise<AppSummary> {
    return this.daemon.platform.app(name);
  }

  async shape(app?: string): Promise<string[]> {
    return (await this.daemon.platform.instances(app)).map(describe);
  }

  /** Runs that execute now, in the world and not in anybody's book. */
  running(): string[] {
    return [...this.world.runs.values()]
      .filter(({ exit }) => exit === null)
      .map(({ request }) => `${request.app}.${request.index}`)
      .sort();
  }

  pids(): Record<string, number> {
    return Object.fromEntries(
      [...this.world.runs.values()]
        .filter(({ exit }) => exit === null)
        .map(({ request, pid }) => [`${request.app}.${request.index}`, pid]),
    );
  }

  async events(): Promise<Event[]> {
    const events: Event[] = [];
    for await (const event of this.daemon.platform.events({}, { signal: new AbortController().signal }))
      events.push(event);
    return events;
  }
}

const describe = ({ name, revision, state }: Instance): string =>
  `${name} r${revision} ${state.status}${state.status === "running" ? (state.ready ? " ready" : " not ready") : ""}`;

/** Looks until the check holds; the last value in the error when it never does. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  check: (value: T) => boolean,
  timeoutMs = 8000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (check(value)) return value;
    if (Date.now() > end) throw new Error(`never came about; at last: ${JSON.stringify(value, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
