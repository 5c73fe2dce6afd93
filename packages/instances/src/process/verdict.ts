import { ConstellationError, type Measure } from "@constellation/contract";

/** Something asked for that this machine does not have. */
interface Refusal {
  readonly code: "limit.unenforceable" | "isolation.unavailable";
  readonly measure: string;
  readonly text: string;
  readonly missing: string;
  readonly remedy: string;
}

/**
 * Collects what was found for each limit and protection, and refuses what was asked for and is missing: a start at the
 * first one, a check of a spec at its end with all of them.
 */
export class Verdict {
  readonly #name: string;
  readonly #bestEffort: boolean;
  readonly #refused: Refusal[] | null;
  readonly measures: Measure[] = [];

  /**
   * @param bestEffort limits that are missing are reported instead of refused
   * @param when `check`: nothing is started now, and {@link settle} refuses everything together. @default "start"
   */
  constructor(name: string, bestEffort: boolean, when: "start" | "check" = "start") {
    this.#name = name;
    this.#bestEffort = bestEffort;
    this.#refused = when === "check" ? [] : null;
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
    const text = `its ${measure.replace(/^limit\./, "")} limit of ${wanted} cannot be enforced here: ${missing}`;
    this.#refuse({ code: "limit.unenforceable", measure, text, missing, remedy });
  }

  /** A protection that the machine does not have: refused when the spec says on, reported when it says auto. */
  missingProtection(measure: string, required: boolean, missing: string): void {
    if (!required) {
      this.measures.push({ name: measure, state: "missing", detail: missing });
      return;
    }
    const text = `it asks for ${measure}, which is not to be had here: ${missing}`;
    const remedy = "Run `constellation doctor` to see what to change";
    this.#refuse({ code: "isolation.unavailable", measure, text, missing, remedy });
  }

  /** @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, naming everything that a check found missing */
  settle(): void {
    if (this.#refused !== null && this.#refused.length > 0) throw refusal("apply", this.#name, this.#refused);
  }

  #refuse(refused: Refusal): void {
    if (this.#refused === null) throw refusal("start", this.#name, [refused]);
    this.#refused.push(refused);
  }
}

function refusal(action: "start" | "apply", name: string, refused: readonly Refusal[]): ConstellationError {
  const limit = refused.find(({ code }) => code === "limit.unenforceable");
  const remedies = [...new Set(refused.map(({ remedy }) => remedy.replace(/^[a-z]/, (first) => first.toUpperCase())))];
  const last = limit === undefined ? "remove the setting" : "remove the limit, or set resources.bestEffort";
  return new ConstellationError(
    limit === undefined ? "isolation.unavailable" : "limit.unenforceable",
    `Cannot ${action} ${name}: ${refused.map(({ text }) => text).join("; ")}`,
    {
      remedy: `${remedies.join("; ")}. Or ${last}.`,
      details: {
        ...(limit === undefined
          ? { measure: refused[0]?.measure, missing: refused[0]?.missing }
          : { limit: limit.measure, missing: limit.missing }),
        refused: refused.map(({ measure, missing }) => ({ measure, missing })),
      },
    },
  );
}
