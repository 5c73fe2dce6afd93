import type { AppSpec } from "@constellation/contract";

/**
 * The specs without the dependencies that have gone: an app may have been removed while another one needs it, and that one
 * is nobody's business but its own. Those of `judged` stay as they are.
 *
 * @param all every app that there is, the judged ones among them
 */
export function forgiving(all: readonly AppSpec[], judged: readonly string[]): AppSpec[] {
  const there = new Set(all.map(({ name }) => name));
  return all.map((spec) =>
    judged.includes(spec.name) ? spec : { ...spec, dependsOn: spec.dependsOn.filter(({ app }) => there.has(app)) },
  );
}
