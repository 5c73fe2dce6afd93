import { ConstellationError, type Measure } from "@constellation/contract";

/** Collects what was found for each limit and protection of a start, and refuses what was asked for and is missing. */
export class Verdict {
  readonly #name: string;
  readonly #bestEffort: boolean;
  readonly measures: Measure[] = [];

  /** @param bestEffort limits that are missing are reported instead of refused */
  constructor(name: string, bestEffort: boolean) {
    this.#name = name;
    this.#bestEffort = bestEffort;
  }

  on(measure: string, detail: string): void {
    this.measures.push({ name: measure, state: "on", detail });
  }

  /** In force, but less than one would expect of it. */
  partial(measure: string, detail: string): void {
    this.measures.push({ name: measure, state: "partial", detail });
  }

  off(measure: string, detail: string): void {
    this.measures.push({ name: measure, state: "off", detail });
  }

  /** @throws ConstellationError `limit.unenforceable` unless the spec says bestEffort */
  missingLimit(measure: string, wanted: string, missing: string, remedy: string): void {
    if (this.#bestEffort) {
      this.measures.push({ name: measure, state: "missing", detail: `${wanted} was asked for, but ${missing}` });
      return;
    }
    throw new ConstellationError(
      "limit.unenforceable",
      `Cannot start ${this.#name}: its ${measure.replace(/^limit\./, "")} limit of ${wanted} cannot be enforced here: ${missing}`,
      { remedy: `${remedy}, remove the limit, or set resources.bestEffort.`, details: { limit: measure, missing } },
    );
  }

  /** A protection that the machine does not have: refused when the spec says on, reported when it says auto. */
  missingProtection(measure: string, required: boolean, missing: string): void {
    if (!required) {
      this.measures.push({ name: measure, state: "missing", detail: missing });
      return;
    }
    throw new ConstellationError(
      "isolation.unavailable",
      `Cannot start ${this.#name}: it asks for ${measure}, which is not to be had here: ${missing}`,
      {
        remedy: "Run `constellation doctor` to see what to change, or remove the setting.",
        details: { measure, missing },
      },
    );
  }
}
