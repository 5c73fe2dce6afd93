import { basename } from "node:path";
import type { AppSpec, PortSpec } from "@constellation/contract";
import type { ResolvedRun } from "../driver/start-request.ts";

/** How the instances of an app serve one public port together. */
export type Sharing = "shared" | "forwarded";

/**
 * Whether a program gets the app's listening socket itself or stands behind the forwarder. Node listens on an inherited
 * socket through our preload; of other programs we know it only when the spec says so. Connections of an inherited socket
 * go by the machine's network, past the bandwidth limit and the walls of a network of the instance's own: such an app is
 * forwarded to. One without any network can be reached by an inherited socket only.
 */
export function sharingOf(
  { socket }: Pick<PortSpec, "socket">,
  run: ResolvedRun,
  { isolation, resources }: Pick<AppSpec, "isolation" | "resources">,
): Sharing {
  if (socket !== "auto") return socket === "inherit" ? "shared" : "forwarded";
  const { networkInBitsPerSecond: inBits, networkOutBitsPerSecond: outBits } = resources;
  const ownNetwork = isolation.network === "private" || (isolation.network === "auto" && (inBits ?? outBits) !== null);
  return runsNode(run) && !ownNetwork ? "shared" : "forwarded";
}

/** True when Node's own options reach the program: a script on Node, or `node` as the command. npm and npx start another process that listens. */
export function runsNode(run: ResolvedRun): boolean {
  if (run.kind === "script") return run.runtime !== "bun";
  return /^node(js)?$/.test(basename(run.argv[0] ?? ""));
}
