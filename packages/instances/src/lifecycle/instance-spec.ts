import type { AppSpec } from "@constellation/contract";
import type { Rules } from "./lifecycle.ts";

/** The part of a spec that rules the life of an instance; the rest is only looked at when a run is launched. */
export type InstanceSpec = Pick<AppSpec, "restart" | "stop" | "health">;

/** The rules of the state machine in a spec. */
export function rulesOf({ restart, stop, health }: InstanceSpec): Rules {
  return {
    restart,
    stop,
    probes: {
      startup: health.startup !== null,
      readiness: health.readiness !== null,
      liveness: health.liveness !== null,
    },
  };
}
