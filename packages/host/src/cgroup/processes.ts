import { readdirSync } from "node:fs";
import { readKernelFileIfPresent } from "../proc/read-file.ts";

/** The group's directory and all below it, deepest first (the order in which they can be removed). */
export function subtree(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
  return [...names.flatMap((name) => subtree(`${directory}/${name}`)), directory];
}

/** Pids in a directory of a hierarchy and below it; processes outside our pid namespace show as 0 and are left out. */
export function processesBelow(directory: string): number[] {
  const pids = new Set<number>();
  for (const each of subtree(directory))
    for (const line of (readKernelFileIfPresent(`${each}/cgroup.procs`) ?? "").split("\n"))
      if (/^[1-9]\d*$/.test(line)) pids.add(Number(line));
  return [...pids];
}
