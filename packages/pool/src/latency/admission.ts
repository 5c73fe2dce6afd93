/** Whether a real-time lease may be given; "no" is an answer with its reason. What is invalid would be so at any time. */
export type Admission =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** What is decided from. */
export interface AdmissionFacts {
  readonly cores: number;
  /** Period of the tick; null when the pool declared none. */
  readonly tickMs: number | null;
  /** Share of a tick that a core may be promised. */
  readonly fill: number;
  /** Declared costs per tick of the real-time leases that run. */
  readonly running: readonly number[];
  /** Declared cost per tick of the one that asks. */
  readonly costMs: number;
}

/**
 * Admits a real-time lease when the tier's cores, all but one, can be promised its cost: the sum of the costs must fit
 * into `fill` of a tick on each of them. The last core is for everything else: busy workers on all cores miss ticks,
 * whatever their niceness (measured: p99 lateness from 0.5 to 10 ms).
 */
export function admit(facts: AdmissionFacts): Admission {
  const { cores, tickMs, fill, running, costMs } = facts;
  if (tickMs === null) return invalid("this pool has no real-time tier; declare latency.tickMs when it is created");
  const costs = `costMs is ${costMs}, wanted a number above 0 and at most the tick of ${tickMs} ms`;
  if (!(costMs > 0)) return invalid(costs);
  if (costMs > tickMs) return refused(costs);
  const reserved = Math.floor(cores) - 1;
  if (reserved < 1)
    return refused(`a real-time tier leaves one core to everything else, and this machine offers ${cores}`);
  const promisedMs = running.reduce((sum, each) => sum + each, 0);
  const capacityMs = reserved * tickMs * fill;
  // The last bit of a sum of fractions is not a reason to refuse.
  if (promisedMs + costMs <= capacityMs + 1e-9) return { kind: "admitted" };
  return refused(
    `${promisedMs.toFixed(2)} ms per tick are promised, ${costMs} ms more exceed the ${capacityMs.toFixed(2)} ms ` +
      `that ${reserved} of ${Math.floor(cores)} cores give (${fill} of each ${tickMs} ms tick)`,
  );
}

function invalid(reason: string): Admission {
  return { kind: "invalid", reason };
}

function refused(reason: string): Admission {
  return { kind: "refused", reason };
}
