import type { ActorSystem } from "../system/system.ts";

/** What a system that should be empty still holds. */
export interface Leaks {
  readonly actors: readonly string[];
  readonly timers: number;
  readonly names: readonly string[];
  readonly groups: readonly string[];
}

/** What lives in `system`; all of it empty after `shutdown`. */
export function leaksOf(system: ActorSystem): Leaks {
  return {
    actors: [...system.actors()].map((ref) => ref.address),
    timers: system.alarms.size,
    names: system.registry.names(),
    groups: system.groups.groups(),
  };
}

/** Shuts `system` down and makes sure that nothing is left. @throws Error naming what is. */
export async function shutdownWithoutLeaks(system: ActorSystem): Promise<void> {
  await system.shutdown();
  const { actors, timers, names, groups } = leaksOf(system);
  if (actors.length + timers + names.length + groups.length === 0) return;
  throw new Error(
    `System ${system.name} left behind: actors ${list(actors)}; timers ${timers}; names ${list(names)}; groups ${list(groups)}`,
  );
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.slice(0, 10).join(", ") + (items.length > 10 ? ", …" : "");
}
