import fc from "fast-check";
import { expect, test } from "vitest";
import { HostError, parseProcessStat } from "../../src/index.ts";

const tail = "S 100 200 300 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 11 0 987654 1000000 2500 18446744073709551615 1";

test("reads the fields of a stat line", () => {
  expect(parseProcessStat(`4242 (node) ${tail}\n`)).toEqual({
    pid: 4242,
    command: "node",
    state: "S",
    parentPid: 100,
    processGroup: 200,
    session: 300,
    userTicks: 150,
    systemTicks: 50,
    childrenUserTicks: 7,
    childrenSystemTicks: 8,
    threads: 11,
    startTicks: 987654,
    rssPages: 2500,
  });
});

test("any command name is kept as it is", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 64 }), (command) => {
      const stat = parseProcessStat(`7 (${command}) ${tail}\n`);
      expect(stat.command).toBe(command);
      expect(stat.startTicks).toBe(987654);
    }),
  );
  expect(parseProcessStat(`7 (a) R 1 (b) ${tail}`).command).toBe("a) R 1 (b");
});

test("arbitrary text is refused with a typed error, never read as NaN", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `1 (x) ${text}`),
      ),
      (text) => {
        try {
          for (const value of Object.values(parseProcessStat(text))) expect(value).not.toBeNaN();
        } catch (error) {
          expect(error).toBeInstanceOf(HostError);
          expect((error as HostError).code).toBe("file-malformed");
        }
      },
    ),
  );
});
