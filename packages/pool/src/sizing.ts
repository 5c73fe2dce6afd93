/** How many workers a pool has, and why. */
export interface Size {
  readonly workers: number;
  readonly spares: number;
  readonly reason: string;
}

/** What sizes are decided from. */
export interface SizingFacts {
  readonly workers: number | "auto";
  readonly spares: number | "auto";
  readonly cores: number;
  /** What one warm worker holds; 0 when it costs nothing (inline). */
  readonly workerBytes: number;
  readonly availableBytes: number;
  readonly total: number;
}

/** Share of the memory that is available now which workers of an automatic size may take. */
const memoryShare = 0.5;

/**
 * Decides how many workers to keep: one per core for shared tasks, twice the cores as spares, each bounded by memory:
 * two heavy libraries cost 50 MB in every worker, so their number is a decision about memory first.
 */
export function sizePool(facts: SizingFacts): Size {
  const { cores, workerBytes, availableBytes, total } = facts;
  const whole = Math.max(1, Math.floor(cores));
  const fixed = (facts.workers === "auto" ? 0 : facts.workers) + (facts.spares === "auto" ? 0 : facts.spares);
  const fitting =
    workerBytes <= 0 ? Infinity : Math.max(1, Math.floor((availableBytes * memoryShare) / workerBytes) - fixed);
  const reasons: string[] = [];
  const bounded = (name: string, wish: number, why: string): number => {
    const size = Math.max(1, Math.min(wish, fitting, total));
    const bound = size === wish ? "" : size === total ? ` cut by total ${total}` : ` cut by memory`;
    reasons.push(`${size} ${name}: ${wish} for ${why}${bound}`);
    return size;
  };
  const workers = facts.workers === "auto" ? bounded("workers", whole, `${whole} cores`) : facts.workers;
  const spares = facts.spares === "auto" ? bounded("spares", whole * 2, `twice ${whole} cores`) : facts.spares;
  if (reasons.length === 0) reasons.push(`${workers} workers and ${spares} spares, as configured`);
  reasons.push(`one holds ${megabytes(workerBytes)} MB, ${megabytes(availableBytes)} MB are available`);
  return { workers, spares, reason: reasons.join("; ") };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
