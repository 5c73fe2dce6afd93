import { actor } from "@constellation/actors";
import type { Telemetry } from "@constellation/engine";
import { instanceName } from "@constellation/instances";
import type { Observations } from "../agent/index.ts";

/** Rhythm of the recorded measurements. Lower costs disk and CPU, higher loses short peaks. */
const recordMs = 10_000;

/** Writes the measurements of all instances into the telemetry, all of them in one tick. */
export function recorderActor(observations: Observations, telemetry: Pick<Telemetry, "sample">) {
  return actor<"tick">({
    kind: "recorder",
    onStart: (_, context) => {
      context.sendEvery(recordMs, "tick");
      return undefined;
    },
    receive: () => {
      for (const instance of observations.values()) {
        const reading = instance.run?.handle.stats("in-turn") ?? null;
        if (reading === null) continue;
        const name = instanceName(instance);
        telemetry.sample(`${name}.cpu-us`, reading.cpuTimeUs);
        telemetry.sample(`${name}.memory-bytes`, reading.memoryBytes);
        telemetry.sample(`${name}.restarts`, instance.restarts);
      }
    },
  });
}
