/** What one machine has in all. `null`: not known, and then never a reason to refuse. */
export interface NodeCapacity {
  readonly name: string;
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly pids: number | null;
  /** Hard limit of open files that a process may be given. */
  readonly openFiles: number | null;
  /** Size of the file system that the data folders are on. */
  readonly diskBytes: number | null;
}

/** A limit that is larger than the machine. */
export interface Excess {
  /** Setting in the spec, such as `resources.memory`. */
  readonly setting: string;
  readonly wanted: number;
  readonly offered: number;
  readonly unit: "cores" | "bytes" | "count";
}

/** Where an instance can go: `fits` names the node; `exceeds` means that no node will ever be large enough; `full` that none is free now. */
export type PlacementVerdict =
  | { readonly kind: "fits"; readonly node: string }
  | { readonly kind: "exceeds"; readonly node: string; readonly excesses: readonly Excess[] }
  | { readonly kind: "full"; readonly reason: string };
