import { renameSync, rmSync } from "node:fs";
import type { EngineClock } from "../clock.ts";
import type { SqlDriver } from "../sqlite/database.ts";
import { sqlDriver } from "../sqlite/driver.ts";
import { migrate } from "../sqlite/migrate.ts";
import { openOwned } from "../sqlite/open.ts";
import type { RetentionLimits } from "./parts.ts";
import { telemetrySchema } from "./schema.ts";
import { SqliteTelemetry } from "./sqlite.ts";

export interface FileTelemetryOptions extends Partial<RetentionLimits> {
  readonly path: string;
  readonly clock?: EngineClock;
  readonly driver?: SqlDriver["name"];
}

/**
 * Telemetry in a file, which is opened when first needed. A file that is found to be damaged, then or later, is moved
 * aside (`<path>.damaged`) and a new one begun with an event `engine.telemetry-replaced` that says why: a node must not
 * stand still because of its history.
 */
export function openFileTelemetry({ path, driver, ...options }: FileTelemetryOptions): SqliteTelemetry {
  const telemetry = new SqliteTelemetry({
    ...options,
    path,
    open: () =>
      openOwned({ path, schema: telemetrySchema, synchronous: "NORMAL", ...(driver === undefined ? {} : { driver }) }),
    putAside: (reason) => {
      moveAside(path);
      telemetry.record({
        kind: "engine.telemetry-replaced",
        subject: "",
        body: { kept: `${path}.damaged`, reason },
      });
    },
  });
  return telemetry;
}

/** Telemetry that is gone with the process. */
export function openMemoryTelemetry(options: Omit<FileTelemetryOptions, "path"> = {}): SqliteTelemetry {
  const { driver, ...rest } = options;
  return new SqliteTelemetry({
    ...rest,
    path: ":memory:",
    open: () => {
      const database = sqlDriver(driver).open(":memory:");
      migrate(database, ":memory:", telemetrySchema);
      return database;
    },
  });
}

function moveAside(path: string): void {
  for (const suffix of ["", "-wal"]) {
    rmSync(`${path}.damaged${suffix}`, { force: true });
    try {
      renameSync(`${path}${suffix}`, `${path}.damaged${suffix}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
