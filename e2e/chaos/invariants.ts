import type { World } from "./world.ts";

/** What must run at rest: instances by app. */
export type Wanted = ReadonlyMap<string, number>;

/** Everything that is not as it must be while the desired state is at rest; empty when all is well. */
export async function differencesAtRest(world: World, wanted: Wanted): Promise<string[]> {
  const found: string[] = [];
  const { apps, instances } = await world.client.snapshot();
  const names = [...wanted].flatMap(([app, count]) => Array.from({ length: count }, (_, at) => `${app}.${at + 1}`));
  for (const app of apps) {
    if (!wanted.has(app.name)) found.push(`the app ${app.name} should not be there`);
    else if (app.status !== "healthy") found.push(`${app.name} is ${app.status}: ${app.detail}`);
  }
  const listed = instances.map(({ name }) => name).sort();
  if (listed.join() !== [...names].sort().join()) found.push(`instances are ${listed.join()}, wanted ${names.join()}`);
  for (const { name, state } of instances)
    if (state.status !== "running" || !state.ready) found.push(`${name} is ${state.status}`);
  return [...found, ...differencesOfProcesses(world, names)];
}

/** Exactly one program for each name, and no process that belongs to none. */
function differencesOfProcesses(world: World, names: readonly string[]): string[] {
  const workload = world.workload();
  const ours = new Set(workload.map(({ pid }) => pid));
  const heads = workload.filter(({ parent, command }) => !ours.has(parent) && /^(sh -c|node -e)/.test(command));
  const count = new Map<string, number>();
  for (const { environment } of heads) {
    const name = environment["CONSTELLATION_INSTANCE"] ?? "nobody";
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  const wrong = names
    .filter((name) => count.get(name) !== 1)
    .map((name) => `${name} runs ${count.get(name) ?? 0} times`);
  const orphans = workload.filter(({ environment }) => !names.includes(environment["CONSTELLATION_INSTANCE"] ?? ""));
  return [...wrong, ...orphans.map(({ pid, command }) => `orphan ${pid}: ${command}`)];
}

/** Numbers that are missing, doubled or torn in the logs. A program killed with its supervisor may lose its last ones, never one between. */
export async function gapsInLogs(
  world: World,
  instances: readonly string[],
): Promise<{ gaps: string[]; lines: number }> {
  const gaps: string[] = [];
  let lines = 0;
  for (const instance of instances) {
    const next = new Map<string, number>();
    for await (const { text, stream, gapBytes } of world.client.logs(undefined, { instance })) {
      // What a shell says of a child that an attack has killed is no line of the programs.
      if (gapBytes !== undefined || (stream === "stderr" && text === "Killed")) continue;
      lines += 1;
      const [, program, at] = /^n (\d+ \S+) (\d+)$/.exec(text) ?? [];
      if (program === undefined || at === undefined) {
        gaps.push(`${instance}: torn line ${JSON.stringify(text)}`);
        continue;
      }
      // A program that begins at 0 again is a new run, which may have got the number of an earlier one.
      const expected = at === "0" ? 0 : next.get(program);
      if (expected !== undefined && Number(at) !== expected)
        gaps.push(`${instance}: ${program} went from ${expected - 1} to ${at}`);
      next.set(program, Number(at) + 1);
    }
  }
  return { gaps, lines };
}

/** What is left on the machine when every app has been removed. */
export function leaks(world: World): string[] {
  return [
    ...world.workload().map(({ pid, command }) => `process ${pid}: ${command}`),
    ...world.controlGroups().map((path) => `control group ${path}`),
    ...world.mounts().map((line) => `mount ${line}`),
    ...world.leftovers().map((path) => `file ${path}`),
  ];
}
