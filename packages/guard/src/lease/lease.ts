import type { CgroupLocation } from "@constellation/host";
import type { Level } from "../policy/level.ts";

/** What a run tells whoever shares the machine out, and hears from it. */
export interface Lease {
  /** Ports that no other run of this machine was promised. */
  readonly ports: readonly number[];
  /** Bounds on memory at which another run goes first. */
  shielded(): readonly string[];
  /** An attempt begins. */
  started(run: string, group: CgroupLocation | undefined): void;
  report(treeBytes: number, level: Level): void;
}
