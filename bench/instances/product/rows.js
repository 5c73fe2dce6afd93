/** What the measurements found, each beside the bar that the specification sets. */
export class Rows {
  list = [];

  /** `bar: null` is a figure without one; a peer's figure has a bar of its own name. */
  add(name, unit, values, bar = null, note = "") {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (part) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]);
    const row = { name, unit, bar, median: at(0.5), p99: at(0.99), min: at(0), count: sorted.length, note };
    this.list.push({ ...row, verdict: verdictOf(row) });
  }

  /** One measurement that fails does not hide the others. */
  async measure(name, run) {
    try {
      await run();
    } catch (error) {
      this.missing(name, error.message);
    }
  }

  missing(name, why) {
    this.list.push({
      name,
      unit: "",
      bar: null,
      median: null,
      p99: null,
      min: null,
      count: 0,
      note: why,
      verdict: "not measured",
    });
  }
}

function verdictOf({ bar, median, unit }) {
  if (bar === null) return "-";
  const miss = unit === "% off" ? Math.abs(median) > bar : median > bar;
  return miss ? "MISSES" : "holds";
}

const round = (value) => Math.round(value * 1000) / 1000;

/** Rows as a table for people. */
export function printRows(rows) {
  const cells = rows.map(({ name, unit, bar, median, p99, min, count, verdict, note }) => [
    name,
    unit,
    text(bar),
    text(median),
    text(p99),
    text(min),
    String(count),
    verdict,
    note,
  ]);
  const head = ["measured", "unit", "bar", "median", "p99", "min", "n", "verdict", ""];
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => row[at].length)));
  for (const row of [head, ...cells])
    console.log(
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at]) : at === row.length - 1 ? ` ${cell}` : cell.padStart(widths[at]),
        )
        .join("  ")
        .trimEnd(),
    );
}

const text = (value) => (value === null ? "-" : String(value));
