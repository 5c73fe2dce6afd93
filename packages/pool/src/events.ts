import type { Placement } from "./placement.ts";
import type { WarmReport } from "./wire/protocol.ts";
import type { WorkerExit } from "./worker/link.ts";

/** How a lease got its worker. */
export type LeasePath = "spare" | "queued" | "cold";

/** Everything that a pool tells its `onEvent`. */
export type PoolEvent =
  | { readonly kind: "worker-started"; readonly worker: number; readonly placement: Placement; readonly niced: boolean }
  | {
      readonly kind: "worker-warm";
      readonly worker: number;
      readonly tookMs: number;
      readonly memoryBytes: number;
      readonly compileCache: WarmReport["compileCache"];
    }
  | { readonly kind: "worker-ended"; readonly worker: number; readonly exit: WorkerExit; readonly why: string }
  | { readonly kind: "warmup-failed"; readonly what: string; readonly error: Error; readonly retryInMs: number }
  | {
      readonly kind: "sized";
      readonly placement: Placement;
      readonly workers: number;
      readonly spares: number;
      readonly reason: string;
    }
  | { readonly kind: "leased"; readonly worker: number; readonly path: LeasePath; readonly tookMs: number }
  | { readonly kind: "lease-refused"; readonly code: string }
  | { readonly kind: "budget-missed"; readonly worker: number; readonly tookMs: number; readonly budgetMs: number }
  | { readonly kind: "ticks-missed"; readonly count: number }
  | { readonly kind: "refill"; readonly missing: number };
