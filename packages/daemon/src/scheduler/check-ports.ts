import { type AppSpec, ConstellationError, type PortSpec } from "@constellation/contract";
import { addressesOverlap } from "@constellation/instances/ports";

/**
 * Checks that no two running apps want the same public port.
 *
 * @param running specs of the apps that run and stay as they are
 * @param wanted specs of those that are to run
 * @throws ConstellationError `port.in-use` naming the other app
 */
export function checkPortConflicts(running: readonly AppSpec[], wanted: readonly AppSpec[]): void {
  const claimed = new Map<number, { readonly app: string; readonly port: PortSpec }[]>();
  const runs = new Set(running.map(({ name }) => name));
  for (const { name, ports } of [...running, ...wanted]) {
    for (const port of ports) {
      const others = claimed.get(port.publicPort) ?? [];
      const rival = others.find((other) => addressesOverlap(other.port.address, port.address));
      if (rival !== undefined) throw conflict(name, port, rival.app, runs.has(rival.app));
      claimed.set(port.publicPort, [...others, { app: name, port }]);
    }
  }
}

/** @param runs whether it would help to end the owner: one of the same change comes with it again */
const conflict = (app: string, { publicPort }: PortSpec, owner: string, runs: boolean): ConstellationError =>
  new ConstellationError(
    "port.in-use",
    `Cannot run ${app}: its public port ${publicPort} belongs to the app ${owner}${runs ? "" : " of the same change"}`,
    {
      remedy: runs
        ? `Choose another port for ${app}, or end ${owner} first (\`constellation stop ${owner}\`, \`constellation rm ${owner}\`).`
        : `Choose another port for ${app} or for ${owner}; nothing was changed.`,
      details: { app, port: publicPort, owner },
    },
  );
