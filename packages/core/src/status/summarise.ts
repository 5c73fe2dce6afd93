import { type AppSummary, type Instance, type InstanceState, scaledToNone } from "@constellation/contract";

/** What a summary is made from. */
export interface StatusInput {
  readonly name: string;
  readonly revision: number;
  readonly mode: "running" | "stopped" | "removed";
  readonly wanted: number;
  readonly instances: readonly StatusInstance[];
  /** The dependency that keeps an update from starting instances, in words; null when none does. */
  readonly blockedBy: string | null;
  readonly source: string | null;
  readonly updatedAt: number;
}

/** An instance as the summary sees it; `current`: it runs what the newest revision says. */
export type StatusInstance = Pick<Instance, "name" | "state" | "revision"> & { readonly current: boolean };

/** Sums an app up, with the reason in words for everything that is not as wanted. */
export function summarise(input: StatusInput): Omit<AppSummary, "urls"> {
  const alive = input.instances.filter(({ state }) => isAlive(state));
  const serving = input.instances.filter(({ state }) => state.status === "running" && state.ready);
  const ready = serving.filter(({ current }) => current);
  const { status, detail } = judge(input, alive, serving, ready);
  return {
    name: input.name,
    revision: input.revision,
    wanted: input.mode === "running" ? input.wanted : 0,
    running: alive.length,
    // The one too many of an update, and those on their way out, are no more than were asked for.
    ready: Math.min(ready.length, input.mode === "running" ? input.wanted : 0),
    status,
    detail,
    source: input.source,
    updatedAt: input.updatedAt,
  };
}

type Verdict = Pick<AppSummary, "status" | "detail">;

function judge(
  { mode, wanted, instances, revision, blockedBy }: StatusInput,
  alive: readonly StatusInstance[],
  serving: readonly StatusInstance[],
  ready: readonly StatusInstance[],
): Verdict {
  if (mode !== "running" || wanted === 0) return halted(mode, alive.length);
  const done = instances.filter(({ state, current }) => current && state.status === "completed").length;
  if (done >= wanted) return { status: "completed", detail: null };
  const trouble = instances.flatMap((instance) => describeTrouble(instance) ?? []);
  if (ready.length + done >= wanted) return { status: "healthy", detail: trouble[0] ?? null };
  const old = serving.length - ready.length;
  const count = `${ready.length} of ${wanted} ready`;
  const progress = [
    old > 0 ? `revision ${revision}: ${count}, ${old} of an earlier one still serve` : count,
    // Instances that wait say so themselves; an update that has not begun has none that could.
    ...(blockedBy !== null && instances.some(isBefore) ? [`the update waits for ${blockedBy}`] : []),
  ].join("; ");
  if (hasGivenUp(instances)) return { status: "failed", detail: [...trouble, progress].join("; ") };
  if (trouble.length > 0) return { status: "degraded", detail: [...trouble.slice(0, 3), progress].join("; ") };
  return { status: "starting", detail: [progress, ...pending(instances)].join("; ") };
}

function halted(mode: StatusInput["mode"], alive: number): Verdict {
  if (alive > 0) return { status: "stopped", detail: `${alive} still stopping` };
  return { status: "stopped", detail: mode === "running" ? scaledToNone : null };
}

/** Runs what an earlier revision says. */
const isBefore = ({ state, current }: StatusInstance): boolean => !current && isAlive(state);

const isAlive = (state: InstanceState): boolean =>
  state.status === "running" || state.status === "starting" || state.status === "stopping";

/** Nothing will happen any more by itself: what failed of an earlier revision is about to be replaced and does not count. */
function hasGivenUp(instances: readonly StatusInstance[]): boolean {
  const ended = ({ state }: StatusInstance): boolean =>
    state.status === "failed" || state.status === "completed" || state.status === "stopped";
  return instances.every(ended) && instances.some(({ state, current }) => current && state.status === "failed");
}

/** What is wrong with an instance, or null when it is well or on its way. */
function describeTrouble({ name, state }: StatusInstance): string | null {
  if (state.status === "failed") return `${name} failed: ${state.reason}`;
  if (state.status === "backoff") return `${name} is started again after: ${state.last.reason}`;
  return null;
}

/** What instances on their way wait for: at most two reasons, the rest would repeat them. */
function pending(instances: readonly StatusInstance[]): string[] {
  const reasons = instances.flatMap(({ name, state }) => {
    if (state.status === "waiting") return [`${name} waits for ${state.for}`];
    return state.status === "running" && state.notReady !== null ? [`${name}: ${state.notReady}`] : [];
  });
  return reasons.slice(0, 2);
}
