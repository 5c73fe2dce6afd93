/** Bounds of what an instance may push. */
export const metricBounds = { names: 64, nameLength: 64, lineBytes: 256 } as const;

/** Numbers pushed by an instance, and what was turned away. */
export class MetricTable {
  readonly #values = new Map<string, number>();
  /** Lines that were no `name=value`, too long, or one name too many. */
  refused = 0;

  /** Takes one line, `name=value`: letters, digits and `_ . : -` in the name, a finite decimal number as value. */
  take(line: string): void {
    const match = line.length > metricBounds.lineBytes ? null : /^([A-Za-z_][\w.:-]*)=(\S+)$/.exec(line.trim());
    const [, name = "", text = ""] = match ?? [];
    const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i.test(text) ? Number(text) : Number.NaN;
    const known = this.#values.has(name) || this.#values.size < metricBounds.names;
    if (!Number.isFinite(value) || name.length > metricBounds.nameLength || !known) this.refused += 1;
    else this.#values.set(name, value);
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#values);
  }
}
