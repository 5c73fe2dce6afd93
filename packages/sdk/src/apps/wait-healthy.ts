import { type AppSummary, ConstellationError, formatDuration, type Instance } from "@constellation/contract";
import { type ProgressSource, type Snapshot, watchProgress } from "./progress.ts";

/** How to wait. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Sees every change on the way. */
  readonly onProgress?: ((snapshot: Snapshot) => void) | undefined;
}

/**
 * Waits until every named app is healthy, or has completed.
 *
 * @throws ConstellationError `app.unhealthy` when one failed, `call.timeout`, `call.cancelled`
 */
export async function waitHealthy(
  source: ProgressSource,
  names: readonly string[],
  { timeoutMs, signal, onProgress }: WaitOptions,
): Promise<readonly AppSummary[]> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  let last: Snapshot = { apps: [], instances: [] };
  for await (const snapshot of watchProgress(source, until)) {
    last = only(snapshot, names);
    onProgress?.(last);
    const failed = last.apps.find((app) => hasFailed(app, last));
    if (failed !== undefined) throw unhealthy(failed, last);
    if (last.apps.length === names.length && last.apps.every(isSettled)) return last.apps;
  }
  if (signal?.aborted === true)
    throw new ConstellationError("call.cancelled", `Waiting for ${names.join(", ")} was cancelled; the work goes on`);
  const late = last.apps.filter((app) => !isSettled(app));
  throw new ConstellationError(
    "call.timeout",
    `Not healthy after ${formatDuration(timeoutMs)}: ${late.map((app) => `${app.name} (${describe(app, last)})`).join(", ")}`,
    {
      remedy: `The work goes on; look with \`constellation logs ${late[0]?.name ?? ""}\`, or wait longer with --timeout.`,
      details: { apps: late.map(({ name }) => name) },
    },
  );
}

/** One instance of the newest revision that was given up is enough: an update goes no further, and nothing else will mend it. */
function hasFailed({ name, status, revision }: AppSummary, { instances }: Snapshot): boolean {
  const ofNewest = instances.filter((instance) => instance.app === name && instance.revision === revision);
  return status === "failed" || ofNewest.some(({ state }) => state.status === "failed");
}

const isSettled = ({ status }: AppSummary): boolean => status === "healthy" || status === "completed";

function only({ apps, instances }: Snapshot, names: readonly string[]): Snapshot {
  return {
    apps: apps.filter(({ name }) => names.includes(name)),
    instances: instances.filter(({ app }) => names.includes(app)),
  };
}

function unhealthy(app: AppSummary, snapshot: Snapshot): ConstellationError {
  return new ConstellationError("app.unhealthy", `App ${app.name} failed: ${describe(app, snapshot)}`, {
    remedy: `Look with \`constellation logs ${app.name}\`.`,
    details: { apps: [app.name] },
  });
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
