import type { Terminal } from "./terminal.ts";
import { displayWidth, truncate } from "./width.ts";

/** Lines at the end of a terminal that are drawn anew in place. */
export interface LiveRegion {
  /** Replaces what the region shows. */
  draw(lines: readonly string[]): void;
  /** Leaves the last drawing where it is: what others write then stands below it, and nothing more is drawn. */
  done(): void;
}

const up = (lines: number): string => (lines === 0 ? "" : `\u001b[${lines}A`);

/** A live region. No line may wrap and no drawing may be higher than the terminal, or the cursor would lose its place. */
export function liveRegion(out: Terminal): LiveRegion {
  let drawn: readonly string[] = [];
  let over = false;
  out.write("\u001b[?25l");
  const show = (): void => out.write("\u001b[?25h");
  process.once("exit", show);
  return {
    draw(lines) {
      if (over) return;
      const width = out.width();
      const fitting = fold(lines, Math.max(1, out.height() - 1)).map((line) => truncate(line, width));
      out.write(`${up(rowsOf(drawn, width))}\r\u001b[J${fitting.map((line) => `${line}\n`).join("")}`);
      drawn = fitting;
    },
    done() {
      over = true;
      show();
      process.off("exit", show);
    },
  };
}

/** What was drawn in a wider terminal takes more rows in a narrower one, which breaks its lines. */
const rowsOf = (lines: readonly string[], width: number): number =>
  lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / width)), 0);

/** What does not fit is counted on the last line. */
function fold(lines: readonly string[], height: number): readonly string[] {
  if (lines.length <= height) return lines;
  const hidden = lines.length - height + 1;
  return [...lines.slice(0, height - 1), `… ${hidden} more`];
}
