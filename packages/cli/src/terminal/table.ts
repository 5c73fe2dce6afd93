import { displayWidth, truncate, wrap } from "./width.ts";

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand right. @default "left" */
  readonly align?: "left" | "right";
  /** Columns with a higher number go first when the terminal is too narrow; without one a column always stays. */
  readonly dropAt?: number;
  /** May be shortened, down to this width. */
  readonly shrinkTo?: number;
  /** What is shortened goes on below instead of being cut. Its cells have no style. @default false */
  readonly wraps?: boolean;
}

const gap = "  ";

/**
 * Lines of a table that fits into `width` columns: cells aligned, two spaces apart. When room is short, first columns with
 * `dropAt` leave, then those with `shrinkTo` are shortened; what is still too wide is cut.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  title: (text: string) => string = (text) => text,
): string[] {
  const kept = fit(columns, rows, width);
  const line = (cells: readonly string[]): string => {
    const padded = kept.map(({ column, columns: room }, index) =>
      pad(truncate(cells[index] ?? "", room), room, column.align),
    );
    return truncate(padded.join(gap).trimEnd(), width);
  };
  const linesOf = (row: Row): string[] => {
    const cells = kept.map(({ column, columns: room }) =>
      column.wraps === true ? wrap(column.cell(row), room) : [column.cell(row)],
    );
    const height = Math.max(1, ...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, at) => line(cells.map((lines) => lines[at] ?? "")));
  };
  return [title(line(kept.map(({ column }) => column.title))), ...rows.flatMap(linesOf)];
}

interface Fitted<Row> {
  readonly column: Column<Row>;
  columns: number;
}

function fit<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): Fitted<Row>[] {
  let fitted = columns.map((column) => ({
    column,
    columns: Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(column.cell(row)))),
  }));
  while (total(fitted) > width) {
    const [next] = fitted
      .filter(({ column }) => column.dropAt !== undefined)
      .sort((a, b) => (b.column.dropAt ?? 0) - (a.column.dropAt ?? 0));
    if (next === undefined) break;
    fitted = fitted.filter((one) => one !== next);
  }
  for (const one of fitted) {
    const excess = total(fitted) - width;
    if (excess <= 0) break;
    if (one.column.shrinkTo !== undefined)
      one.columns = Math.max(Math.min(one.column.shrinkTo, one.columns), one.columns - excess);
  }
  return fitted;
}

const total = (fitted: readonly Fitted<never>[] | readonly { columns: number }[]): number =>
  fitted.reduce((sum, { columns }) => sum + columns + gap.length, -gap.length);

function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - displayWidth(text)));
  return align === "left" ? text + space : space + text;
}
