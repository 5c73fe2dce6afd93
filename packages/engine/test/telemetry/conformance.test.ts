import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "vitest";
import { telemetryConformance } from "../../src/conformance/index.ts";
import { ManualClock, openFileTelemetry, openMemoryTelemetry } from "../../src/index.ts";
import { nodeSqliteDriver } from "../../src/sqlite/node-sqlite.ts";
import { namesIn, scratch } from "../scratch.ts";

describe("memory", () => {
  telemetryConformance({ test }, async () => {
    const clock = new ManualClock();
    const telemetry = openMemoryTelemetry({ clock });
    return {
      telemetry,
      nowMs: () => clock.wallMs(),
      passMs: async (ms) => clock.advance(ms),
      close: () => telemetry.close(),
    };
  });
});

const drivers = nodeSqliteDriver() === undefined ? (["libsql"] as const) : (["libsql", "node:sqlite"] as const);

describe.each(drivers)("a file over %s", (driver) => {
  telemetryConformance({ test }, async () => {
    const clock = new ManualClock();
    const directory = scratch();
    const telemetry = openFileTelemetry({ path: join(directory, "telemetry.db"), clock, driver });
    return {
      telemetry,
      nowMs: () => clock.wallMs(),
      passMs: async (ms) => clock.advance(ms),
      async close() {
        await telemetry.close();
        assert.equal(clock.pending, 0, "alarms were left set");
        assert.deepEqual(namesIn(directory), ["telemetry.db"], "files were left");
      },
    };
  });
});
