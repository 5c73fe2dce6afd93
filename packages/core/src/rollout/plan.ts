import type { ActualInstance } from "./actual.ts";

/** What an app shall be, reduced to what the plan needs. */
export interface RolloutGoal {
  /** `stopped` keeps the allocations, `removed` does not. */
  readonly mode: "running" | "stopped" | "removed";
  /** Instances wanted while running; they are numbered from 1. */
  readonly wanted: number;
  /** Whether one instance more than wanted may run during an update; false when it has no room or its port is fixed. */
  readonly surge: boolean;
  /** The dependency that keeps new instances from starting, in words; null when all conditions hold. */
  readonly blockedBy: string | null;
}

/** One step: write this into the allocation `index`. */
export type RolloutAction =
  /** Run the newest revision; the allocation may not exist yet. */
  | { readonly kind: "start"; readonly index: number }
  /** Hold an allocation of the newest revision until a dependency is there. */
  | { readonly kind: "wait"; readonly index: number; readonly for: string }
  /** End the present run and run the newest revision. */
  | { readonly kind: "replace"; readonly index: number }
  /** Take the newest revision over without a restart. */
  | { readonly kind: "adjust"; readonly index: number }
  | { readonly kind: "stop"; readonly index: number }
  /** Stop it and forget the allocation once nothing of it is left. */
  | { readonly kind: "remove"; readonly index: number };

/**
 * The next steps from what is to what shall be. Apply them, look again, plan again: it converges and holds these promises
 * whatever happens in between:
 * - an update ends at most one ready instance at a time and never leaves fewer than `wanted - 1` ready ones by its own doing;
 *   with `surge` it first starts one more, so that `wanted` stay;
 * - it goes on only while the newest revision's instances become ready: a bad revision stops at its first instance;
 * - an instance that is not ready holds nobody up: it is replaced as soon as the newest revision has shown that it works.
 */
export function planRollout(goal: RolloutGoal, instances: readonly ActualInstance[]): RolloutAction[] {
  if (goal.mode === "removed") return instances.filter(staying).map(({ index }) => ({ kind: "remove", index }));
  if (goal.mode === "stopped" || goal.wanted === 0) return halt(goal, instances);
  const living = instances.filter(staying);
  const inside = living.filter(({ index }) => index <= goal.wanted);
  const beyond = living.filter(({ index }) => index > goal.wanted);
  const updates = update(goal, instances, inside, beyond);
  const ended = updates.filter(
    ({ kind, index }) => kind === "replace" && living.some((i) => i.index === index && ready(i)),
  );
  const removals = shrink(goal, inside, beyond, ended.length);
  const going = new Set(removals.map(({ index }) => index));
  return [
    ...adjust(living.filter(({ index }) => !going.has(index))),
    ...begin(goal, instances, living),
    ...updates,
    ...removals,
  ];
}

const staying = ({ wish }: ActualInstance): boolean => wish.kind !== "remove";
const outdated = ({ fit }: ActualInstance): boolean => fit === "outdated";
const ready = ({ progress }: ActualInstance): boolean => progress === "ready";
const asleep = ({ wish }: ActualInstance): boolean => wish.kind === "stop" || wish.kind === "wait";
/** Does its work, or has done it. */
const serving = ({ progress }: ActualInstance): boolean => progress === "ready" || progress === "completed";
/** Has shown that the newest revision works. */
const proven = (instance: ActualInstance): boolean => !outdated(instance) && serving(instance);

function halt(goal: RolloutGoal, instances: readonly ActualInstance[]): RolloutAction[] {
  const kept = goal.mode === "stopped" ? goal.wanted : 0;
  return instances.filter(staying).flatMap(({ index, wish }): RolloutAction[] => {
    if (index > kept) return [{ kind: "remove", index }];
    return wish.kind === "stop" ? [] : [{ kind: "stop", index }];
  });
}

/** Settings that need no new process go to all at once. */
function adjust(living: readonly ActualInstance[]): RolloutAction[] {
  return living
    .filter(({ fit, wish }) => fit === "live" && wish.kind === "run")
    .map(({ index }) => ({ kind: "adjust", index }));
}

/** Starts what is missing, was stopped, or has waited for its dependencies long enough. */
function begin(goal: RolloutGoal, all: readonly ActualInstance[], living: readonly ActualInstance[]): RolloutAction[] {
  const taken = new Set(all.map(({ index }) => index));
  const missing = numbers(goal.wanted).filter((index) => !taken.has(index));
  const sleeping = living.filter((instance) => instance.index <= goal.wanted && asleep(instance));
  return [
    ...missing.map((index) => startOrWait(goal, index)),
    ...sleeping.flatMap(({ index, wish, fit }): RolloutAction[] => {
      const sameWait =
        goal.blockedBy !== null && wish.kind === "wait" && wish.for === goal.blockedBy && fit === "current";
      return sameWait ? [] : [startOrWait(goal, index)];
    }),
  ];
}

const startOrWait = (goal: RolloutGoal, index: number): RolloutAction =>
  goal.blockedBy === null ? { kind: "start", index } : { kind: "wait", index, for: goal.blockedBy };

/** At most one step of the rolling update; plus, once the revision is proven, everything that serves nobody. */
function update(
  goal: RolloutGoal,
  all: readonly ActualInstance[],
  inside: readonly ActualInstance[],
  beyond: readonly ActualInstance[],
): RolloutAction[] {
  const old = inside.filter((instance) => outdated(instance) && !asleep(instance));
  if (old.length === 0 || goal.blockedBy !== null) return [];
  const living = [...inside, ...beyond];
  const useless = old.filter((instance) => !ready(instance));
  const fresh = living.filter((instance) => !outdated(instance));
  if (fresh.some(proven) && useless.length > 0) return useless.map(replace);
  if (fresh.some((instance) => !proven(instance)) || inside.length < goal.wanted) return [];
  if (useless.length > 0) return [useless[0] as ActualInstance].map(replace);
  // New ones that have done their work count: waiting for them to serve would be waiting for ever.
  const servingCount = living.filter(serving).length;
  const floor = goal.surge ? goal.wanted : goal.wanted - 1;
  if (servingCount - 1 >= floor) return old.slice(0, 1).map(replace);
  if (goal.surge && beyond.length === 0) return [{ kind: "start", index: firstFree(all, goal.wanted) }];
  return [];
}

const replace = ({ index }: ActualInstance): RolloutAction => ({ kind: "replace", index });

/** Removes what is beyond the wanted number, as far as the app can spare it. */
function shrink(
  goal: RolloutGoal,
  inside: readonly ActualInstance[],
  beyond: readonly ActualInstance[],
  ended: number,
): RolloutAction[] {
  const standIn = standInAmong(goal, inside, beyond);
  let spare = [...inside, ...beyond].filter(serving).length - ended - (goal.wanted - 1);
  const removed: RolloutAction[] = [];
  for (const instance of [...beyond].sort((a, b) => b.index - a.index)) {
    if (instance === standIn || (serving(instance) && spare <= 0)) continue;
    if (serving(instance)) spare -= 1;
    removed.push({ kind: "remove", index: instance.index });
  }
  return removed;
}

/** The instance beyond the wanted number that tries the newest revision and then covers for each one being replaced. */
function standInAmong(
  goal: RolloutGoal,
  inside: readonly ActualInstance[],
  beyond: readonly ActualInstance[],
): ActualInstance | undefined {
  if (!goal.surge) return undefined;
  const fresh = beyond.filter((instance) => !outdated(instance)).sort((a, b) => a.index - b.index);
  if (inside.some(outdated)) return fresh[0];
  const onTheirWay =
    inside.length < goal.wanted || inside.some(({ progress }) => progress === "coming" || progress === "idle");
  return onTheirWay ? fresh.find(serving) : undefined;
}

function firstFree(all: readonly ActualInstance[], wanted: number): number {
  const taken = new Set(all.map(({ index }) => index));
  let index = wanted + 1;
  while (taken.has(index)) index += 1;
  return index;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
