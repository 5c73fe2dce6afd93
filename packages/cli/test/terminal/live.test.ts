import { expect, test } from "vitest";
import { progress } from "../../src/views/progress.ts";
import { liveRegion } from "../../src/terminal/live.ts";
import { styleFor } from "../../src/terminal/style.ts";
import type { Terminal } from "../../src/terminal/terminal.ts";

/** A terminal that remembers what was written to it. */
function screen(columns: number): Terminal & { columns: number; readonly taken: () => string } {
  let text = "";
  return {
    columns,
    interactive: true,
    style: styleFor(false),
    width() {
      return this.columns;
    },
    height: () => 24,
    write: (more) => void (text += more),
    line: (more = "") => void (text += `${more}\n`),
    outliveReader: () => undefined,
    room: () => Promise.resolve(),
    taken: () => {
      const all = text;
      text = "";
      return all;
    },
  };
}

test("nothing is drawn over what others have written below a region that is done", () => {
  const out = screen(80);
  const shown = progress(out);
  shown.show({ apps: [], instances: [] });
  shown.done();
  out.taken();
  out.line("the end of a log");
  // Whoever waits for apps says so when one has failed, and once more whatever happened.
  shown.done();
  shown.show({ apps: [], instances: [] });
  expect(out.taken()).not.toContain("\u001b[J");
});

test("a drawing that a narrower terminal has broken into more rows is replaced as a whole", () => {
  const out = screen(20);
  const region = liveRegion(out);
  region.draw(["x".repeat(20), "short"]);
  out.columns = 8;
  out.taken();
  region.draw(["x"]);
  // Three rows of the long line, and the short one.
  expect(out.taken()).toBe("\u001b[4A\r\u001b[Jx\n");
  region.done();
});
