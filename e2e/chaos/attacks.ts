import type { Chance } from "./random.ts";
import { killProcess, type Process } from "./processes.ts";
import type { World } from "./world.ts";

/** Who can be killed. */
export type Victim = "daemon" | "program" | "child" | "supervisor" | "spawner" | "port";

/** How often each is the victim. */
const weights: readonly (readonly [Victim, number])[] = [
  ["daemon", 5],
  ["program", 5],
  ["child", 3],
  ["supervisor", 3],
  ["spawner", 1],
  ["port", 1],
];

/** Kills somebody; who it was, or null when there was nobody of that kind. */
export function attack(world: World, chance: Chance): Victim | null {
  const victim = chance.pick(weights.flatMap(([name, weight]) => Array.from({ length: weight }, () => name)));
  if (victim === undefined) return null;
  const target = chance.pick(targets(world, victim));
  return target !== undefined && killProcess(target) ? victim : null;
}

function targets(world: World, victim: Victim): Process[] {
  if (victim === "daemon") return [world.daemonProcess() ?? []].flat();
  if (victim === "program" || victim === "child") {
    const workload = world.workload();
    const ours = new Set(workload.map(({ pid }) => pid));
    return workload.filter(({ parent }) => ours.has(parent) === (victim === "child"));
  }
  const platform = world.platform();
  if (victim === "port") return platform.filter(({ command }) => command.includes("/run/ports/"));
  const launchers = platform.filter(({ command }) => command.includes("launcher"));
  const pids = new Set(launchers.map(({ pid }) => pid));
  // The spawner is the one that no other launcher has started; inits are below supervisors and below the spawner's children.
  const spawners = launchers.filter(({ command, parent }) => command.includes("spawner") && !pids.has(parent));
  return victim === "spawner"
    ? spawners.slice(0, 1)
    : launchers.filter((process) => !spawners.slice(0, 1).includes(process));
}
