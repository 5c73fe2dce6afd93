import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCpuTime, parsePs } from "../../src/proc/ps-table.ts";

test("rows as macOS prints them", () => {
  const text = [
    "    1     0 Ss    14288   1:32.51 Mon Nov  9 08:01:12 2026     /sbin/launchd",
    "  501     1 S+   104300 102:09.07 Sat Nov 21 09:15:00 2026     /usr/local/bin/node server.js --name a b",
    "USER PID nonsense",
  ].join("\n");
  const rows = parsePs(text);
  expect([...rows.keys()]).toEqual([1, 501]);
  expect(rows.get(501)).toMatchObject({
    parentPid: 1,
    state: "S",
    rssBytes: 104300 * 1024,
    cpuTimeUs: (102 * 60 + 9.07) * 1e6,
    command: "/usr/local/bin/node server.js --name a b",
  });
});

test("CPU times", () => {
  expect(["0:00.03", "00:00:01", "1-02:03:04", "x", "1:2:3:4", ""].map(parseCpuTime)).toEqual([
    30_000,
    1_000_000,
    (26 * 3600 + 3 * 60 + 4) * 1e6,
    undefined,
    undefined,
    undefined,
  ]);
});

test("arbitrary text gives no row with NaN", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const row of parsePs(`${text}\n1 2 S 3 ${text} ${text}`).values())
        for (const value of Object.values(row)) expect(value).not.toBeNaN();
    }),
  );
});
