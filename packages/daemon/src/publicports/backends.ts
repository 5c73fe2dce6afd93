import type { PortBinding } from "@constellation/instances";
import { type Endpoint, mostBackends } from "@constellation/instances/ports";
import type { ObservedInstance } from "../agent/index.ts";

/** Where the forwarder of a port sends connections. */
export class Backends {
  readonly #report: (text: string, error: unknown) => void;
  /** Ports with more instances than connections can go to. */
  readonly #crowded = new Set<string>();

  constructor(report: (text: string, error: unknown) => void) {
    this.#report = report;
  }

  /** The instances that are ready and not about to be stopped; when there are too many, the first of them. */
  of(
    key: string,
    instances: readonly ObservedInstance[],
    publicPort: number,
    withdrawn: ReadonlySet<PortBinding>,
  ): readonly Endpoint[] {
    const backends = instances.flatMap((instance) => backendOf(instance, publicPort, withdrawn));
    const isCrowded = backends.length > mostBackends;
    if (isCrowded && !this.#crowded.has(key))
      this.#report(
        `${key}: ${backends.length} instances are ready, and connections go to ${mostBackends} of them at a time`,
        null,
      );
    if (isCrowded) this.#crowded.add(key);
    else this.#crowded.delete(key);
    return backends.slice(0, mostBackends);
  }
}

function backendOf(
  { state, run }: ObservedInstance,
  publicPort: number,
  withdrawn: ReadonlySet<PortBinding>,
): readonly Endpoint[] {
  if (run === null || state.status !== "running" || !state.ready) return [];
  const binding = run.ports.find((port) => port.publicPort === publicPort);
  const { address } = run.handle.facts;
  if (binding === undefined || binding.mode !== "forwarded" || withdrawn.has(binding) || address === null) return [];
  return [{ address, port: binding.port }];
}
