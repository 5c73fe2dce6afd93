import type { StartRequest } from "../driver/start-request.ts";
import { STANDBY_DESCRIPTORS } from "../launch/index.ts";
import { mostSockets } from "../ports/index.ts";
import { mapOf, nodeFlags } from "../script/node-program.ts";
import { unfitOption } from "./node-options.ts";
import { startupEnvironment } from "./startup-environment.ts";

/** What a Node must have been started with to become the program of a request: everything that cannot be changed later. */
export interface Shape {
  /** Equal for equal shapes. */
  readonly key: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly isolation: StartRequest["isolation"];
  readonly resources: Pick<StartRequest["resources"], "networkInBitsPerSecond" | "networkOutBitsPerSecond">;
}

/** What of a request decides its shape. */
export type ShapedRequest = Pick<StartRequest, "run" | "env" | "isolation" | "warm" | "ports"> & {
  readonly resources: Shape["resources"] & Pick<StartRequest["resources"], "memoryBytes">;
};

/** The shape of a request for a script; or why no Node can wait for it. */
export type Fit =
  | { readonly kind: "shape"; readonly shape: Shape }
  | { readonly kind: "none"; readonly reason: string };

/** Which shape a request needs. */
export function shapeOf({ run, env, isolation, resources, warm, ports }: ShapedRequest): Fit {
  const none = (reason: string): Fit => ({ kind: "none", reason });
  if (run.kind !== "script") return none("it is a command");
  if (warm === false) return none("its spec says warm: false");
  if (run.runtime === "bun") return none("it runs on Bun");
  // Beyond those that it keeps free a Node that waits has descriptors of its own.
  if (mostSockets(ports) > STANDBY_DESCRIPTORS) return none("it has more public ports than a Node that waits can take");
  // What is left to do would have nowhere to be done.
  if ([isolation.pid, isolation.mount, isolation.readOnlyRoot].includes("off"))
    return none("it has no process numbers or no file tree of its own");
  const unfit = unfitOption(env["NODE_OPTIONS"] ?? "");
  if (unfit !== null) return none(`its NODE_OPTIONS has ${unfit}`);
  const parts = {
    flags: nodeFlags(resources.memoryBytes, mapOf(run.file)),
    environment: { LANG: "C.UTF-8", ...startupEnvironment(env) },
    isolation,
    resources: {
      networkInBitsPerSecond: resources.networkInBitsPerSecond,
      networkOutBitsPerSecond: resources.networkOutBitsPerSecond,
    },
  };
  return { kind: "shape", shape: { key: JSON.stringify(parts), ...parts } };
}
