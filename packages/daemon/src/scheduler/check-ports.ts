import { type AppSpec, ConstellationError, type PortSpec } from "@constellation/contract";

/**
 * Checks that no two running apps want the same public port.
 *
 * @param apps specs of all apps that are to run
 * @throws ConstellationError `port.in-use` naming the other app
 */
export function checkPortConflicts(apps: readonly AppSpec[]): void {
  const claimed = new Map<number, { readonly app: string; readonly port: PortSpec }[]>();
  for (const { name, ports } of apps) {
    for (const port of ports) {
      const others = claimed.get(port.publicPort) ?? [];
      const rival = others.find((other) => overlap(other.port.address, port.address));
      if (rival !== undefined) throw conflict(name, port, rival.app);
      claimed.set(port.publicPort, [...others, { app: name, port }]);
    }
  }
}

/** Two addresses claim a port together when they are the same or one of them stands for all. */
function overlap(one: string, other: string): boolean {
  return one === other || [one, other].some((address) => address === "0.0.0.0" || address === "::");
}

const conflict = (app: string, { publicPort }: PortSpec, owner: string): ConstellationError =>
  new ConstellationError(
    "port.in-use",
    `Cannot run ${app}: its public port ${publicPort} belongs to the app ${owner}`,
    {
      remedy: `Choose another port for ${app}, or end ${owner} first (\`constellation stop ${owner}\`, \`constellation rm ${owner}\`).`,
      details: { app, port: publicPort, owner },
    },
  );
