import type { Dependency, InstanceState } from "@constellation/contract";

/** What a dependency's condition is judged by. */
export interface DependencyState {
  /** Instances that the app shall have. */
  readonly wanted: number;
  readonly states: readonly InstanceState[];
}

/**
 * The first condition that does not hold, in words (`db to be healthy (1 of 2 instances ready)`), or null when all hold.
 * `appNamed` answers null for an app that does not exist.
 */
export function unmetDependency(
  dependencies: readonly Dependency[],
  appNamed: (name: string) => DependencyState | null,
): string | null {
  for (const { app, condition } of dependencies) {
    const state = appNamed(app);
    if (state === null) return `${app} to exist`;
    const reached = state.states.filter((instance) => hasReached(instance, condition)).length;
    if (reached < state.wanted) return `${app} to be ${condition} (${reached} of ${state.wanted} instances)`;
  }
  return null;
}

function hasReached(state: InstanceState, condition: Dependency["condition"]): boolean {
  // An end with code 0 satisfies every condition: the app has done what it was there for.
  if (state.status === "completed") return true;
  if (state.status !== "running") return false;
  return condition === "started" || (condition === "healthy" && state.ready);
}
