import { type AppSpec, ConstellationError } from "@constellation/contract";

/** What ordering needs of an app. */
export type Depending = Pick<AppSpec, "name" | "dependsOn">;

/**
 * Apps in layers: each depends only on apps of earlier layers. Start them first to last, stop them last to first.
 * A dependency that is not among `apps` is left out of account.
 *
 * @throws ConstellationError `spec.cycle`, naming the apps of one cycle
 */
export function startLayers(apps: readonly Depending[]): string[][] {
  const names = new Set(apps.map(({ name }) => name));
  const waiting = new Map(
    apps.map(({ name, dependsOn }) => [name, dependsOn.map(({ app }) => app).filter((app) => names.has(app))]),
  );
  const layers: string[][] = [];
  while (waiting.size > 0) {
    const layer = [...waiting].filter(([, needs]) => needs.every((name) => !waiting.has(name))).map(([name]) => name);
    if (layer.length === 0) throw cycleError(findCycle(waiting));
    for (const name of layer) waiting.delete(name);
    layers.push(layer.sort());
  }
  return layers;
}

/** The layers of {@link startLayers} from last to first: whoever depends on an app ends before it. */
export function stopLayers(apps: readonly Depending[]): string[][] {
  return startLayers(apps).toReversed();
}

/**
 * Checks that every dependency exists and can come true, and that none leads back to its app.
 *
 * @throws ConstellationError `spec.invalid` for an unknown app and one that never completes, `spec.cycle` for a cycle
 */
export function checkDependencies(apps: readonly (Depending & Pick<AppSpec, "restart">)[]): void {
  const names = new Set(apps.map(({ name }) => name));
  const always = new Set(apps.filter(({ restart }) => restart.policy === "always").map(({ name }) => name));
  for (const { name, dependsOn } of apps) {
    const missing = dependsOn.find(({ app }) => !names.has(app));
    if (missing !== undefined) {
      throw new ConstellationError(
        "spec.invalid",
        `Cannot apply ${name}: it depends on ${missing.app}, and there is no app of that name`,
        {
          remedy: `Apply ${missing.app} in the same call or before, or remove it from dependsOn.`,
          details: { app: name, dependency: missing.app },
        },
      );
    }
    const endless = dependsOn.find(({ app, condition }) => condition === "completed" && always.has(app));
    if (endless !== undefined) {
      throw new ConstellationError(
        "spec.invalid",
        `Cannot apply ${name}: it waits for ${endless.app} to have completed, which is restarted whenever it ends`,
        {
          remedy: `Set restart: "on-failure" of ${endless.app}, or wait for it to be started or healthy.`,
          details: { app: name, dependency: endless.app },
        },
      );
    }
  }
  startLayers(apps);
}

/** Every app left over has a dependency that is left over too, so following the first one must come back. */
function findCycle(waiting: ReadonlyMap<string, readonly string[]>): string[] {
  const path: string[] = [];
  let name = [...waiting.keys()].sort()[0] ?? "";
  while (!path.includes(name)) {
    path.push(name);
    name = waiting.get(name)?.find((next) => waiting.has(next)) ?? "";
  }
  return [...path.slice(path.indexOf(name)), name];
}

function cycleError(cycle: readonly string[]): ConstellationError {
  return new ConstellationError("spec.cycle", `Cannot order the apps: ${cycle.join(" depends on ")}`, {
    remedy: "Remove one of these dependencies; nothing was changed.",
    details: { cycle },
  });
}
