import { fileURLToPath } from "node:url";
import type { HostRoots } from "../src/index.ts";

/** A directory tree as /proc and /sys of another machine show it, under fixtures/machines. */
export function machineTree(
  name: "v2-rootless" | "v2-container" | "v1-docker" | "hybrid" | "no-cgroup",
): HostRoots & { readonly path: string } {
  const path = fileURLToPath(new URL(`./fixtures/machines/${name}`, import.meta.url));
  return { path, proc: `${path}/proc`, sys: `${path}/sys` };
}
