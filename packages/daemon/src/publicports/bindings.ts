import type { AppSpec, PortSpec } from "@constellation/contract";
import type { PortBinding, ResolvedRun } from "@constellation/instances";
import { allocatePrivatePort, type PrivatePort } from "@constellation/instances/ports";
import type { PublicPort } from "./public-port.ts";
import { urlOf } from "./url.ts";

/** Private ports that instances hold now. */
export class PrivatePorts {
  readonly #held = new Map<number, PrivatePort>();

  /** A free one. @throws ConstellationError `port.in-use` */
  async take(): Promise<number> {
    const held = await allocatePrivatePort();
    this.#held.set(held.port, held);
    return held.port;
  }

  /** One that an adopted instance has already. */
  async keep(port: number): Promise<void> {
    if (!this.#held.has(port)) this.#held.set(port, await allocatePrivatePort({ keep: port }));
  }

  release(port: number): void {
    this.#held.get(port)?.release();
    this.#held.delete(port);
  }
}

/** How one run is reached through an open public port. */
export async function bindingFor(
  { name, publicPort, targetPort, address }: PortSpec,
  open: PublicPort,
  socketFile: string,
  privatePorts: PrivatePorts,
): Promise<PortBinding> {
  const common = { name, publicPort, address, url: urlOf({ address, publicPort }) };
  if (open.sharing === "shared") return { mode: "shared", ...common, port: targetPort ?? publicPort, socketFile };
  return { mode: "forwarded", ...common, port: targetPort ?? (await privatePorts.take()) };
}

/** What a spec runs, as far as it matters for ports: nothing of it needs to be found for that. */
export const unresolved = (run: AppSpec["run"]): ResolvedRun =>
  run.kind === "command"
    ? run
    : {
        kind: "script",
        file: run.path,
        args: run.args,
        ...(run.runtime === undefined ? {} : { runtime: run.runtime }),
      };
