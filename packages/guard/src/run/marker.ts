import type { EnvironmentMarker } from "@constellation/host";

/** Inherited by every process of a run; each attempt has a value of its own. */
export const markerName = "CONSTELLATION_RUN";

/** Label that containers of a run carry: `docker run --label "constellation.run=$CONSTELLATION_RUN"`. */
export const runLabel = "constellation.run";

/** The environment entry of a run. */
export const markerOf = (run: string): EnvironmentMarker => ({ name: markerName, value: run });
