import type { PortSpec } from "@constellation/contract";

/** Where people and other apps reach a public port. */
export function urlOf({ address, publicPort }: Pick<PortSpec, "address" | "publicPort">): string {
  const reachable = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
  const host = reachable.includes(":") ? `[${reachable}]` : reachable;
  return `http://${host}:${publicPort}`;
}
