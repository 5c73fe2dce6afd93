/** How long tasks of one name take, a moving mean; below 0 as long as none has finished. */
export interface Estimate {
  us: number;
}

/** Tasks below this are sent ahead, to wait at their worker: the trip costs more than they do. */
const quickUs = 150;
/** A run is counted as no longer than this, so that one lost time slice does not make a name slow. */
const countedUs = 10 * quickUs;
const weight = 0.05;
/** Names whose durations are remembered. */
const mostNames = 10_000;

/** What is known of the tasks of each name. */
export class Estimates {
  readonly #byName = new Map<string, Estimate>();

  of(name: string): Estimate {
    let estimate = this.#byName.get(name);
    if (estimate === undefined) {
      // Names are made up by somebody: what is forgotten is learned again.
      if (this.#byName.size >= mostNames) this.#byName.clear();
      estimate = { us: -1 };
      this.#byName.set(name, estimate);
    }
    return estimate;
  }
}

export function isQuick(estimate: Estimate): boolean {
  return estimate.us >= 0 && estimate.us <= quickUs;
}

/** A task took so long. */
export function learn(estimate: Estimate, runUs: number): void {
  const countUs = runUs < countedUs ? runUs : countedUs;
  estimate.us = estimate.us < 0 ? countUs : estimate.us + weight * (countUs - estimate.us);
}
