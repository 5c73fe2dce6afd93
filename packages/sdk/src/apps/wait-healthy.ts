import { setTimeout as sleep } from "node:timers/promises";
import {
  type AppSummary,
  ConstellationError,
  type ErrorCode,
  formatDuration,
  type Instance,
  scaledToNone,
} from "@constellation/contract";
import { whenAborted } from "../client/when-aborted.ts";
import { type ProgressSource, type Snapshot, watchProgress } from "./progress.ts";

/** How to wait. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Sees every change on the way. */
  readonly onProgress?: ((snapshot: Snapshot) => void) | undefined;
}

/** Timers of Node take no more; a longer wait is no different to anybody. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Waits until every named app is healthy, or has completed. Instances that no probe watches must have run for a moment:
 * a program that ends at once was never up.
 *
 * @throws ConstellationError `app.not-found` when one is not there, or not any more, `app.unhealthy` when one failed or was
 * stopped, `call.timeout`, `call.cancelled`
 */
export async function waitHealthy(
  source: ProgressSource,
  names: readonly string[],
  { timeoutMs, signal, onProgress }: WaitOptions,
): Promise<readonly AppSummary[]> {
  const end = new AbortController();
  const until = end.signal;
  const timer = setTimeout(() => end.abort(), Math.min(timeoutMs, longestTimerMs));
  const letGo = whenAborted(signal, () => end.abort());
  const seen = new Seen(names);
  try {
    const settled = await settle(source, seen, until, onProgress);
    if (settled !== null) return settled;
  } catch (error) {
    // When the time is over, whatever was under way breaks off.
    if (!until.aborted || (error instanceof ConstellationError && verdicts.has(error.code))) throw error;
  } finally {
    clearTimeout(timer);
    letGo();
  }
  if (signal?.aborted === true)
    throw new ConstellationError("call.cancelled", `Waiting for ${names.join(", ")} was cancelled; the work goes on`);
  const late = seen.late();
  throw new ConstellationError(
    "call.timeout",
    `Not healthy after ${formatDuration(timeoutMs)}: ${late.map(({ name, why }) => `${name} (${why})`).join(", ")}`,
    {
      remedy: `The work goes on; look with \`constellation logs ${late[0]?.name ?? ""}\`, or wait longer with --timeout.`,
      details: { apps: late.map(({ name }) => name) },
    },
  );
}

/** What is known of the apps, whatever time it is. */
const verdicts: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["app.unhealthy", "app.not-found"]);

/** The apps when all of them are up; null when the time was over before. */
async function settle(
  source: ProgressSource,
  seen: Seen,
  until: AbortSignal,
  onProgress: WaitOptions["onProgress"],
): Promise<readonly AppSummary[] | null> {
  const proofs = new Proofs(source, until);
  for await (const snapshot of watchProgress(source, until)) {
    for (let next = snapshot; ; next = await source.snapshot(until)) {
      const now = seen.take(next);
      onProgress?.(now);
      const missing = seen.missing();
      if (missing !== undefined) throw notThere(missing);
      const failed = now.apps.find((app) => hasFailed(app, now));
      if (failed !== undefined) throw unhealthy(failed, now);
      const stopped = now.apps.find(isStopped);
      if (stopped !== undefined) throw notWanted(stopped);
      if (!seen.allSettled) break;
      const missingMs = await proofs.missingMs(now);
      if (missingMs === 0) return now.apps;
      await sleep(missingMs, undefined, { signal: until });
    }
  }
  return null;
}

/** What was seen of the apps: how they stand, and what went wrong on the way. */
class Seen {
  readonly #names: readonly string[];
  readonly #troubles = new Map<string, string>();
  #last: Snapshot = { apps: [], instances: [] };

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get allSettled(): boolean {
    return this.#last.apps.every(isSettled);
  }

  take(snapshot: Snapshot): Snapshot {
    this.#last = only(snapshot, this.#names);
    for (const { app, name, state } of this.#last.instances)
      if (state.status === "backoff") this.#troubles.set(app, `${name}: ${state.last.reason}`);
    return this.#last;
  }

  /** One that there is no app of. */
  missing(): string | undefined {
    return this.#names.find((name) => !this.#last.apps.some((app) => app.name === name));
  }

  /** The apps that are not up, and why. One that runs at this moment was not seen to run for long: it ends again and again. */
  late(): { readonly name: string; readonly why: string }[] {
    const unsettled = this.#last.apps.filter((app) => !isSettled(app));
    const late = unsettled.length > 0 ? unsettled : this.#last.apps;
    const found = late.map((app) => ({
      name: app.name,
      why: isSettled(app) ? (this.#troubles.get(app.name) ?? "has not run for long enough") : describe(app, this.#last),
    }));
    return found.length > 0 ? found : this.#names.map((name) => ({ name, why: "nothing was heard of it" }));
  }
}

// As long as an update waits before it goes on: time to fail to read a configuration or to bind a port.
const unprobedMs = 500;

/** How long instances without probes still have to run before they count. */
class Proofs {
  readonly #source: ProgressSource;
  readonly #signal: AbortSignal;
  readonly #probed = new Map<string, boolean>();
  /** When each run was seen first, by our own clock: that of the daemon may go differently. */
  readonly #seenAt = new Map<string, number>();

  constructor(source: ProgressSource, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  async missingMs({ instances }: Snapshot): Promise<number> {
    let missingMs = 0;
    for (const { app, name, state } of instances) {
      const youngMs =
        state.status === "running" ? this.#youngMs(`${name} ${state.pid} ${state.since}`, state.since) : 0;
      if (youngMs > missingMs && !(await this.#isProbed(app))) missingMs = youngMs;
    }
    return missingMs;
  }

  #youngMs(run: string, since: number): number {
    const now = performance.now();
    const seenAt = this.#seenAt.get(run) ?? now;
    this.#seenAt.set(run, seenAt);
    return Math.min(since - Date.now(), seenAt - now) + unprobedMs;
  }

  async #isProbed(app: string): Promise<boolean> {
    const probed = this.#probed.get(app) ?? (await this.#source.probed(app, this.#signal));
    this.#probed.set(app, probed);
    return probed;
  }
}

/** One instance of the newest revision that was given up is enough: an update goes no further, and nothing else will mend it. */
function hasFailed({ name, status, revision }: AppSummary, { instances }: Snapshot): boolean {
  const ofNewest = instances.filter((instance) => instance.app === name && instance.revision === revision);
  return status === "failed" || ofNewest.some(({ state }) => state.status === "failed");
}

/** As wanted, which may be none at all. */
const isSettled = ({ status, detail }: AppSummary): boolean =>
  status === "healthy" || status === "completed" || (status === "stopped" && detail === scaledToNone);

/** By somebody else, meanwhile: it will not come up by itself. */
const isStopped = ({ status, detail }: AppSummary): boolean => status === "stopped" && detail === null;

function only({ apps, instances }: Snapshot, names: readonly string[]): Snapshot {
  return {
    apps: apps.filter(({ name }) => names.includes(name)),
    instances: instances.filter(({ app }) => names.includes(app)),
  };
}

function unhealthy(app: AppSummary, snapshot: Snapshot): ConstellationError {
  return new ConstellationError("app.unhealthy", `App ${app.name} failed: ${describeFailure(app, snapshot)}`, {
    ...(hasRun(app, snapshot) ? { remedy: `Look with \`constellation logs ${app.name}\`.` } : {}),
    details: { apps: [app.name] },
  });
}

function notThere(name: string): ConstellationError {
  return new ConstellationError("app.not-found", `Cannot wait for ${name}: there is no app of that name`, {
    remedy: "It may have been removed meanwhile: list the apps with `constellation ps`.",
    details: { apps: [name] },
  });
}

function notWanted({ name }: AppSummary): ConstellationError {
  return new ConstellationError("app.unhealthy", `App ${name} was stopped while it was waited for`, {
    remedy: `Start it again with \`constellation start ${name}\`.`,
    details: { apps: [name] },
  });
}

/** Whether there may be a log to look at: what could not be executed has written none, and its reason says what to do. */
function hasRun({ name }: AppSummary, { instances }: Snapshot): boolean {
  const failed = instances.filter(({ app, state }) => app === name && state.status === "failed");
  return (
    failed.length === 0 || failed.some(({ state }) => state.status === "failed" && state.last?.kind !== "start-failed")
  );
}

/** Apps and instances are asked for apart: an app that had not failed yet does not know of the instance that has. */
function describeFailure(app: AppSummary, snapshot: Snapshot): string {
  const words = describe(app, snapshot);
  if (app.status === "failed") return words;
  const failures = snapshot.instances.flatMap(({ app: of, name, revision, state }) =>
    of === app.name && revision === app.revision && state.status === "failed"
      ? [`${name} failed: ${state.reason}`]
      : [],
  );
  return [...failures.slice(0, 1), words].join("; ");
}

function describe(app: AppSummary, { instances }: Snapshot): string {
  const reasons = instances.filter((one) => one.app === app.name).flatMap((one) => reasonOf(one) ?? []);
  return app.detail ?? reasons[0] ?? `${app.ready} of ${app.wanted} instances are ready`;
}

/** Why an instance is not up, in words. */
function reasonOf({ name, state }: Instance): string | null {
  switch (state.status) {
    case "failed":
      return `${name}: ${state.reason}`;
    case "backoff":
      return `${name}: ${state.last.reason}`;
    case "waiting":
      return `${name} waits for ${state.for}`;
    case "running":
      return state.notReady === null ? null : `${name}: ${state.notReady}`;
    default:
      return null;
  }
}
