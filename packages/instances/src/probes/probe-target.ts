import type { RunFacts } from "../driver/run-facts.ts";
import type { PortBinding } from "../driver/port-binding.ts";

/** Where a probe connects to. */
export type ProbeTarget =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** No way there, and why. */
export interface NoTarget {
  readonly kind: "none";
  readonly detail: string;
}

/**
 * Finds the way to one instance. Its own and its private ports are on its own address. A shared port is served by all
 * replicas together, so that a connection to it may meet any of them: there the instance's door is used, and the public
 * port only when it has none.
 *
 * @param wanted a number, the name of a port of the app, or `null` for its first port
 */
export function probeTarget(
  wanted: string | number | null,
  ports: readonly PortBinding[],
  { address, doors }: Pick<RunFacts, "address" | "doors">,
): ProbeTarget | NoTarget {
  const binding = ports.find((port, at) => (wanted === null ? at === 0 : port.name === wanted || port.port === wanted));
  if (binding === undefined && typeof wanted !== "number") {
    return { kind: "none", detail: wanted === null ? "the app has no port" : `the app has no port named "${wanted}"` };
  }
  if (binding?.mode === "shared") {
    const door = doors[binding.name];
    if (door !== undefined) return { kind: "unix", path: door };
    return { kind: "tcp", host: reachable(binding.address), port: binding.publicPort };
  }
  if (address === null) {
    return { kind: "none", detail: "its network is closed (isolation.network); use an exec or a logLine probe" };
  }
  return { kind: "tcp", host: address, port: binding?.port ?? Number(wanted) };
}

/** The address that leads to a listener on "all addresses". */
function reachable(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}
