import type { AppSpec, EventBody } from "@constellation/contract";
import type { Clock, Driver, PortBinding, ResolvedRun } from "@constellation/instances";
import type { Repository } from "../state/index.ts";
import type { FirstRuns } from "./first-runs.ts";
import type { Observations } from "./observations.ts";

/** Who gives instances their ports. */
export interface PortSource {
  /** Bindings for one run; opens what is not open yet. @throws ConstellationError `port.in-use` */
  bind(spec: AppSpec, run: ResolvedRun, signal: AbortSignal): Promise<readonly PortBinding[]>;
  /** Takes over the bindings of a run that an earlier daemon started. */
  keep(bindings: readonly PortBinding[]): Promise<void>;
  /** Sends no new connections to a run that is about to be stopped; resolves when that is so, or soon. */
  withdraw(app: string, bindings: readonly PortBinding[]): Promise<void>;
  /** The run is over. */
  release(bindings: readonly PortBinding[]): void;
  /** URLs of all running apps, by app name. */
  urls(): Readonly<Record<string, string>>;
}

/** Who has scripts as files. */
export interface ArtifactSource {
  /** Absolute path of an artifact's file. @throws ConstellationError `artifact.not-found` */
  file(sha256: string): Promise<string>;
}

/** Everything that this node's agent works with. */
export interface AgentParts {
  readonly repository: Repository;
  readonly driver: Driver;
  readonly observations: Observations;
  readonly firstRuns: FirstRuns;
  readonly ports: PortSource;
  readonly artifacts: ArtifactSource;
  readonly emit: (event: EventBody) => void;
  readonly report: (text: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: () => number;
  /** Name of this node in allocations. */
  readonly node: string;
  /** Identity of the machine's present boot. */
  readonly bootId: () => string;
}
