import fc from "fast-check";
import { expect, test } from "vitest";
import { bar } from "../../src/terminal/bar.ts";
import { type Column, table } from "../../src/terminal/table.ts";
import { displayWidth, onOneLine, printable, truncate, wrap } from "../../src/terminal/width.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 }).map(printable);

test("text is cut to the columns it is given", () => {
  fc.assert(
    fc.property(text, fc.nat(40), (value, columns) => {
      const cut = truncate(value, columns);
      expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
      if (displayWidth(value) <= columns) expect(cut).toBe(value);
    }),
  );
});

test("escape sequences take no room and are closed when cut", () => {
  expect(displayWidth("\u001b[31mred\u001b[39m")).toBe(3);
  expect(truncate("\u001b[31mred apple\u001b[39m", 4)).toBe("\u001b[31mred…\u001b[0m");
});

test("wide characters take two columns, marks none", () => {
  expect(displayWidth("日本")).toBe(4);
  expect(displayWidth("\u{20bb7}")).toBe(2);
  expect(displayWidth("e\u0301")).toBe(1);
});

test("text of a program cannot move the cursor", () => {
  expect(printable("a\u001b[2Jb\u0007c\rd")).toBe("ab\ufffdc\ufffdd");
});

test("nor can it look like another line", () => {
  expect(onOneLine("a\n\tb\u2028c\u001b[2J")).toBe("a b c");
});

interface Row {
  readonly name: string;
  readonly count: string;
  readonly note: string;
}
const columns: Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name, shrinkTo: 4 },
  { title: "COUNT", cell: ({ count }) => count, align: "right", dropAt: 1 },
  { title: "NOTE", cell: ({ note }) => note, shrinkTo: 4 },
];

test("a table never is wider than its terminal, and its columns stand under each other", () => {
  const row = fc.record({ name: text, count: text, note: text });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 1, max: 120 }), (rows, width) => {
      const lines = table(columns, rows, width);
      expect(lines).toHaveLength(rows.length + 1);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
    }),
  );
});

test("the least wanted column leaves first", () => {
  const rows = [{ name: "web", count: "12", note: "x".repeat(20) }];
  expect(table(columns, rows, 80)[0]).toMatch(/^NAME {2}COUNT {2}NOTE$/);
  expect(table(columns, rows, 20)[0]).toMatch(/^NAME {2}NOTE$/);
});

test("a bar has its columns, whatever the share", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.integer({ min: 1, max: 20 }), (share, width) => {
      expect(bar(share, width)).toHaveLength(width);
    }),
  );
  expect(bar(0.5, 4)).toBe("██  ");
});

test("what may not be lost goes on below itself in a narrow terminal", () => {
  const remedies: Column<{ readonly name: string; readonly remedy: string }>[] = [
    { title: "NAME", cell: ({ name }) => name },
    { title: "REMEDY", cell: ({ remedy }) => remedy, shrinkTo: 10, wraps: true },
  ];
  const rows = [
    { name: "disk", remedy: "load the loop module, as root" },
    { name: "cpu", remedy: "" },
  ];
  expect(table(remedies, rows, 20)).toEqual([
    "NAME  REMEDY",
    "disk  load the loop",
    "      module, as",
    "      root",
    "cpu",
  ]);
  expect(table(remedies, rows, Infinity)[1]).toBe("disk  load the loop module, as root");
});

test("wrapped text has all its words, each line as long as it may be", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(words, fc.integer({ min: 9, max: 40 }), (parts, columns) => {
      const lines = wrap(parts.join(" "), columns);
      expect(lines.join(" ")).toBe(parts.join(" "));
      for (const [at, line] of lines.entries()) {
        expect(line.length).toBeLessThanOrEqual(columns);
        const [next] = lines[at + 1]?.split(" ") ?? [];
        if (next !== undefined) expect(line.length + 1 + next.length).toBeGreaterThan(columns);
      }
    }),
  );
});
