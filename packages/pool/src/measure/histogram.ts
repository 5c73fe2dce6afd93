const subBuckets = 32;
const subBits = 5;
const octaves = 36;

/** Quantiles of a histogram, in milliseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/**
 * Counts durations in buckets of constant relative width (3 %), from a microsecond to 19 hours; recording allocates
 * nothing. The layout is that of HdrHistogram: per power of two 32 linear steps.
 */
export class Histogram {
  /** A word of 32 bits would be full after some hours of quick tasks. */
  readonly #counts = new Float64Array(subBuckets * octaves);
  count = 0;
  #maxUs = 0;

  recordUs(us: number): void {
    this.#counts[bucketOf(us)]! += 1;
    this.count += 1;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  recordMs(ms: number): void {
    this.recordUs(ms * 1000);
  }

  /** The duration that a share `quantile` of all did not exceed, in ms; 0 when there are none. */
  quantileMs(quantile: number): number {
    const wanted = Math.max(1, Math.ceil(quantile * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket += 1) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(upperUs(bucket), this.#maxUs) / 1000;
    }
    return 0;
  }

  quantiles(): Quantiles {
    return {
      count: this.count,
      p50Ms: this.quantileMs(0.5),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      maxMs: this.#maxUs / 1000,
    };
  }

  reset(): void {
    this.#counts.fill(0);
    this.count = 0;
    this.#maxUs = 0;
  }
}

function bucketOf(us: number): number {
  const whole = us < 0 || Number.isNaN(us) ? 0 : Math.floor(us);
  if (whole < subBuckets) return whole;
  const octave = whole > 0xffff_ffff ? 32 + Math.floor(Math.log2(whole / 2 ** 32)) : 31 - Math.clz32(whole);
  const step = Math.floor(whole / 2 ** (octave - subBits)) - subBuckets;
  return Math.min(subBuckets * octaves - 1, (octave - subBits + 1) * subBuckets + step);
}

/** The largest duration that falls into a bucket. */
function upperUs(bucket: number): number {
  if (bucket < subBuckets) return bucket;
  const shift = Math.floor(bucket / subBuckets) - 1;
  return (subBuckets + (bucket % subBuckets) + 1) * 2 ** shift - 1;
}
