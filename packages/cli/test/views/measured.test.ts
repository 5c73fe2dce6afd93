import type { Sample } from "@constellation/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { measured, type Measured } from "../../src/views/measured.ts";

const bytesPerMs = 3;

/** A sample of an instance with steady traffic, whose counters were read at `countersAt`. */
const sampleAt = (at: number, countersAt: number): Sample => ({
  app: "web",
  instance: "web.1",
  at,
  cpuTimeUs: 0,
  cpuPercent: 0,
  memoryBytes: 0,
  memoryRssBytes: 0,
  memoryPeakBytes: 0,
  memoryLimitBytes: null,
  oomKills: 0,
  threads: 1,
  processes: 1,
  openFiles: 1,
  countersAt,
  diskReadBytes: countersAt * bytesPerMs,
  diskWrittenBytes: 0,
  networkReceivedBytes: countersAt * bytesPerMs,
  networkSentBytes: null,
  restarts: 0,
  uptimeMs: at,
  custom: {},
});

describe("rates", () => {
  test("are those of the traffic, however seldom the counters are read", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.boolean()), { minLength: 1 }), (looks) => {
        let row: Measured = measured(sampleAt(0, 0), undefined);
        let at = 0;
        let readAt = 0;
        for (const [laterMs, isRead] of looks) {
          at += laterMs;
          if (isRead) readAt = at;
          row = measured(sampleAt(at, readAt), row);
          const rate = readAt === 0 ? null : (expect.closeTo(bytesPerMs * 1000) as number);
          expect(row).toMatchObject({ diskReadPerSecond: rate, networkReceivedPerSecond: rate });
          expect(row.sample.at).toBe(at);
        }
      }),
    );
  });

  test("are not there where nothing is counted, and after a restart", () => {
    const first = measured(sampleAt(1000, 1000), undefined);
    expect(measured(sampleAt(2000, 2000), first)).toMatchObject({
      diskReadPerSecond: 3000,
      networkSentPerSecond: null,
    });
    expect(measured({ ...sampleAt(2000, 2000), diskReadBytes: 5 }, first).diskReadPerSecond).toBeNull();
  });
});
