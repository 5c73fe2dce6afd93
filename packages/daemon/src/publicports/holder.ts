import { ConstellationError, type PortSpec } from "@constellation/contract";
import { instanceName } from "@constellation/instances";
import { addressesOverlap, type PortOwner } from "@constellation/instances/ports";
import type { Observations, ObservedInstance } from "../agent/index.ts";

type Wanted = Pick<PortSpec, "publicPort" | "address">;

/**
 * Refuses another address for a public port that instances of its app share: their socket stays with them, whatever becomes
 * of the process of the port.
 *
 * @throws ConstellationError `port.in-use`
 */
export function refuseOwn(observations: Observations, app: string, port: Wanted): void {
  const sharer = ownSharer(observations, app, port);
  if (sharer !== undefined) throw heldByInstance(app, port, sharer);
}

/** The error of a public port that somebody has; the instance is named where it is one of ours. */
export async function inUse(
  observations: Observations,
  app: string,
  port: Wanted,
  owner: PortOwner | undefined,
): Promise<ConstellationError> {
  const instance = owner && (await instanceOf(observations, owner.pid));
  return instance === undefined ? heldByProcess(app, port, owner) : heldByInstance(app, port, instance);
}

/** A public port that another app gives up with its last instance that has it: of an earlier revision, or about to be stopped. */
export const heldByApp = (app: string, { publicPort, address }: Wanted, owner: string): ConstellationError =>
  new ConstellationError(
    "port.in-use",
    `Cannot run ${app}: its public port ${publicPort} on ${address} still belongs to instances of the app ${owner}`,
    {
      remedy: `Apply the change of ${owner} first, where both come together; try again when those instances have ended, or choose another port.`,
      details: { app, port: publicPort, address, owner },
    },
  );

export const isInUse = (error: unknown): error is ConstellationError =>
  error instanceof ConstellationError && error.code === "port.in-use";

/** Whom the opening of a port found there. */
export function ownerIn({ details }: ConstellationError): PortOwner | undefined {
  const { ownerPid, ownerCommand } = details ?? {};
  return typeof ownerPid === "number" ? { pid: ownerPid, command: String(ownerCommand) } : undefined;
}

function ownSharer(
  observations: Observations,
  app: string,
  { publicPort, address }: Wanted,
): ObservedInstance | undefined {
  return observations
    .list(app)
    .find(({ run }) =>
      run?.ports.some(
        (port) =>
          port.mode === "shared" &&
          port.publicPort === publicPort &&
          port.address !== address &&
          addressesOverlap(port.address, address),
      ),
    );
}

/** The instance, of whichever app, that a process belongs to. Looks into all of them: for error messages. */
async function instanceOf(observations: Observations, pid: number): Promise<ObservedInstance | undefined> {
  const running = observations
    .list()
    .flatMap((instance) => (instance.run === null ? [] : [{ instance, handle: instance.run.handle }]));
  const main = running.find(({ handle }) => handle.facts.pid === pid);
  if (main !== undefined) return main.instance;
  const trees = await Promise.all(running.map(({ handle }) => handle.inspect().catch(() => null)));
  return running.find((_, at) => trees[at]?.processes.some((each) => each.pid === pid))?.instance;
}

/** A public port that an instance of ours has: who it is says more than its process, and a process of ours is not for users to end. */
function heldByInstance(app: string, { publicPort, address }: Wanted, holder: ObservedInstance): ConstellationError {
  const name = instanceName(holder);
  const own = holder.app === app;
  return new ConstellationError(
    "port.in-use",
    `Cannot run ${app}: its public port ${publicPort} on ${address} is in use by ${own ? "its own instance" : "the instance"} ${name}`,
    {
      remedy: `\`constellation stop ${holder.app}\` first, or choose another ${own ? "address or " : ""}port.`,
      details: { app, port: publicPort, address, owner: holder.app, instance: name },
    },
  );
}

/** A public port that a process has which is none of ours. @param owner undefined: somebody else's, whom we may not look into */
function heldByProcess(app: string, { publicPort, address }: Wanted, owner: PortOwner | undefined): ConstellationError {
  const by =
    owner === undefined
      ? "somebody else's process, which cannot be looked into"
      : `process ${owner.pid} (${owner.command})`;
  return new ConstellationError(
    "port.in-use",
    `Cannot run ${app}: its public port ${publicPort} on ${address} is in use by ${by}`,
    {
      remedy:
        owner === undefined
          ? "Choose another port; `sudo ss -ltnp` says who has this one."
          : `Stop process ${owner.pid}, or choose another port.`,
      details: {
        app,
        port: publicPort,
        address,
        ...(owner === undefined ? {} : { ownerPid: owner.pid, ownerCommand: owner.command }),
      },
    },
  );
}
