import { isProcessAlive, listListeners, signalProcess, type PortListener, type PortOwner } from "@constellation/host";
import { markerName } from "../run/marker.ts";

/** A port that somebody listens on. `run`: the guarded run that its owner belongs to. */
export interface UsedPort {
  readonly port: number;
  readonly address: string;
  readonly owners: readonly { readonly pid: number; readonly command: string; readonly run: string | undefined }[];
}

/** What became of a wish to free a port. `foreign`: its owner carries no marker of ours and was left alone. */
export type FreeOutcome =
  | { readonly kind: "free" }
  | { readonly kind: "freed"; readonly pids: readonly number[] }
  | { readonly kind: "foreign"; readonly owners: UsedPort["owners"] }
  | { readonly kind: "stuck"; readonly pids: readonly number[] };

/** Lists all listening ports with their owners. */
export function listPorts(): UsedPort[] {
  return listListeners({ markerName })
    .map(portOf)
    .sort((a, b) => a.port - b.port);
}

/** Ends the owners of a port if every one of them belongs to a guarded run; never anybody else. */
export async function freePort(port: number, timeoutMs = 2000): Promise<FreeOutcome> {
  const listeners = listListeners({ markerName, ports: [port] });
  if (listeners.length === 0) return { kind: "free" };
  const owners = new Map(listeners.flatMap((each) => each.owners).map((owner) => [owner.identity.pid, owner]));
  const foreign = [...owners.values()].filter(({ marker }) => marker === undefined);
  if (foreign.length > 0 || owners.size === 0) return { kind: "foreign", owners: foreign.map(ownerOf) };
  for (const { identity } of owners.values()) signalProcess(identity, "SIGKILL");
  for (const until = performance.now() + timeoutMs; performance.now() < until;) {
    const isGone = listListeners({ ports: [port], pids: [...owners.keys()] }).every((each) => each.owners.length === 0);
    if (isGone && ![...owners.values()].some(({ identity }) => isProcessAlive(identity)))
      return { kind: "freed", pids: [...owners.keys()] };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { kind: "stuck", pids: [...owners.keys()] };
}

const portOf = ({ port, address, owners }: PortListener): UsedPort => ({ port, address, owners: owners.map(ownerOf) });
const ownerOf = ({ identity, commandLine, marker }: PortOwner): UsedPort["owners"][number] => ({
  pid: identity.pid,
  // Scripts given to `-e` and `-c` have lines of their own.
  command: commandLine.join(" ").replaceAll(/\s+/g, " ").trim(),
  run: marker,
});
