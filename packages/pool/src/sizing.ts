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
 * Decides how many workers to keep: one per core for shared tasks, twice the cores as spares, together bounded by memory
 * and by `total`: two heavy libraries cost 50 MB in every worker, so their number is a decision about memory first. One of
 * each kind that is asked for is kept, however short memory is.
 */
export function sizePool(facts: SizingFacts): Size {
  const { cores, workerBytes, availableBytes, total } = facts;
  const whole = Math.max(1, Math.floor(cores));
  const fitting = workerBytes <= 0 ? Infinity : Math.floor((availableBytes * memoryShare) / workerBytes);
  const most = Math.min(fitting, total);
  const reasons: string[] = [];
  const bounded = (name: string, wish: number, why: string, others: number): number => {
    const size = Math.max(1, Math.min(wish, most - others));
    const bound = size === wish ? "" : total <= fitting ? ` cut by total ${total}` : ` cut by memory`;
    reasons.push(`${size} ${name}: ${wish} for ${why}${bound}`);
    return size;
  };
  // What is left to the workers when one spare at least has its place.
  const kept = facts.spares === "auto" ? 1 : facts.spares;
  const workers = facts.workers === "auto" ? bounded("workers", whole, `${whole} cores`, kept) : facts.workers;
  const spares = facts.spares === "auto" ? bounded("spares", whole * 2, `twice ${whole} cores`, workers) : facts.spares;
  if (reasons.length === 0) reasons.push(`${workers} workers and ${spares} spares, as configured`);
  reasons.push(`one holds ${megabytes(workerBytes)} MB, ${megabytes(availableBytes)} MB are available`);
  return { workers, spares, reason: reasons.join("; ") };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
