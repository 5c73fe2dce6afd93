import { actor } from "@constellation/actors";
import type { EventBody } from "@constellation/contract";
import type { Telemetry } from "@constellation/engine";
import { instanceName } from "@constellation/instances";
import type { Observations } from "../agent/index.ts";
import { OomKills } from "./oom-kills.ts";

/** Rhythm of the recorded measurements. Lower costs disk and CPU, higher loses short peaks and tells of OOM kills later. */
const recordMs = 10_000;

/** Whom the recorder asks and tells. */
export interface RecorderParts {
  readonly observations: Observations;
  readonly telemetry: Pick<Telemetry, "sample">;
  readonly emit: (event: EventBody) => void;
  readonly nowMs: () => number;
}

/**
 * Writes the measurements of all instances into the telemetry, all of them in one tick, and tells of processes that the
 * kernel ended at the memory limit of an instance that runs on.
 */
export function recorderActor({ observations, telemetry, emit, nowMs }: RecorderParts) {
  return actor<"tick", OomKills>({
    kind: "recorder",
    onStart: (_, context) => {
      context.sendEvery(recordMs, "tick");
      return new OomKills(nowMs());
    },
    receive: (oomKills) => {
      for (const instance of observations.values()) {
        const { run, app, restarts } = instance;
        const reading = run?.handle.stats("usage") ?? null;
        if (run === null || reading === null) continue;
        const name = instanceName(instance);
        telemetry.sample(`${name}.cpu-us`, reading.cpuTimeUs);
        telemetry.sample(`${name}.memory-bytes`, reading.memoryBytes);
        telemetry.sample(`${name}.restarts`, restarts);
        const processes = oomKills.take(run.handle, reading.oomKills ?? 0);
        if (processes > 0)
          emit({ type: "instance.oom", app, instance: name, processes, memoryLimitBytes: reading.memoryLimitBytes });
      }
      return oomKills;
    },
  });
}
