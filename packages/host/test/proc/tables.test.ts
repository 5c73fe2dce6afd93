import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCpuTotals } from "../../src/cpu/cpu-gauge.ts";
import { parseCpuList } from "../../src/cpu/effective-cpus.ts";
import { parseMemberships } from "../../src/cgroup/layout.ts";
import { parseMounts } from "../../src/cgroup/mountinfo.ts";
import { numberAfter, numberAfterBytes } from "../../src/cgroup/counter-text.ts";
import { sumIoStat, sumReadWrite } from "../../src/cgroup/io-tables.ts";
import { parsePressure } from "../../src/pressure/psi.ts";
import { parseAuxiliaryVector } from "../../src/proc/clock.ts";
import { parseKeyValues } from "../../src/proc/key-values.ts";
import {
  parseEnvironment,
  parseNetworkDevices,
  parseProcessIo,
  parseProcessStatus,
  parseProportionalMemory,
} from "../../src/proc/tables.ts";
import { parseUnsigned } from "../../src/proc/unsigned.ts";

const parsers: Record<string, (text: string) => unknown> = {
  parseUnsigned,
  parseKeyValues: (text) => [...parseKeyValues(text)],
  parseProportionalMemory,
  parseProcessIo,
  parseNetworkDevices,
  parseProcessStatus,
  parseEnvironment: (text) => [...parseEnvironment(text)],
  parseCpuTotals,
  parseCpuList,
  parseMounts,
  parseMemberships: (text) => [...parseMemberships(text)],
  parsePressure,
  sumReadWrite: (text) => sumReadWrite(text),
  sumIoStat: (text) => sumIoStat(text),
  numberAfterBytes: (text) => numberAfterBytes(Buffer.from(text), "oom_kill "),
  numberAfter: (text) => numberAfter(text, "oom_kill "),
};

/** Text made of pieces that the tables are made of, so that fuzzing gets past the first word. */
const tableText = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        "\n",
        " ",
        ":",
        "some avg10=",
        "cpu ",
        "Rss:",
        "kB",
        "eth0:",
        "Uid:",
        "oom_kill ",
        "-1",
        "max",
        "\0",
        "=",
        "8:0 Read ",
      ),
      fc.bigInt({ min: -5n, max: 2n ** 70n }).map(String),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(""));

test.each(Object.entries(parsers))("%s takes arbitrary text without throwing and without NaN", (_, parse) => {
  fc.assert(
    fc.property(tableText, (text) => {
      for (const number of numbersIn(parse(text))) {
        expect(number).not.toBeNaN();
        expect(number).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

test("the auxiliary vector of any bytes gives positive units", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const units = parseAuxiliaryVector(bytes);
      expect(units.pageBytes).toBeGreaterThan(0);
      expect(units.ticksPerSecond).toBeGreaterThan(0);
    }),
  );
});

test("reads an interface table", () => {
  const text = `Inter-|   Receive  |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  eth0: 339472400    9129    0    0    0     0          0         0   805124    6194    0    0    0     0       0          0
`;
  expect(parseNetworkDevices(text)).toEqual([
    { name: "lo", receivedBytes: 3193, receivedPackets: 29, sentBytes: 3193, sentPackets: 29 },
    { name: "eth0", receivedBytes: 339472400, receivedPackets: 9129, sentBytes: 805124, sentPackets: 6194 },
  ]);
});

test("reads proportional memory in bytes", () => {
  const text = `55f-7ff ---p 00000000 00:00 0    [rollup]
Rss:                 800 kB
Pss:                 300 kB
Private_Clean:        40 kB
Private_Dirty:        60 kB
Swap:                  4 kB
`;
  expect(parseProportionalMemory(text)).toEqual({
    rssBytes: 800 * 1024,
    pssBytes: 300 * 1024,
    privateBytes: 100 * 1024,
    swapBytes: 4096,
  });
});

test("sums block I/O over devices on v1 and v2", () => {
  const v1 = "254:0 Read 10\n254:0 Write 20\n254:0 Sync 4\n254:0 Total 30\n7:0 Read 1\nTotal 31\n";
  expect(sumReadWrite(v1)).toEqual({ readBytes: 11, writeBytes: 20 });
  expect(sumReadWrite("Total 0\n")).toEqual({ readBytes: 0, writeBytes: 0 });
  const v2 =
    "254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=7 dios=9\n7:0 rbytes=5 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n";
  expect(sumIoStat(v2)).toEqual({ readBytes: 15, writeBytes: 20, readOps: 2, writeOps: 2 });
});

test("a number after a key, in text and in bytes alike", () => {
  const line = fc
    .tuple(fc.constantFrom("oom_kill ", "oom ", "under_oom ", "oom_kill_disable "), fc.nat())
    .map((each) => each.join(""));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = `${lines.join("\n")}\n`;
      expect(numberAfterBytes(Buffer.from(text), "oom_kill ")).toBe(numberAfter(text, "oom_kill "));
    }),
  );
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(numbersIn);
  return [];
}
