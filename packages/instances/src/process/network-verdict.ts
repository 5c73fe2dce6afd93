import { formatBitrate, type Isolation, type Resources } from "@constellation/contract";
import { type NetworkRequest, planWire } from "../launch/index.ts";
import type { Abilities } from "./abilities.ts";
import type { Verdict } from "./verdict.ts";

/** The network of a launch, and where its ports can be reached from this machine. */
export interface NetworkPlan {
  readonly network: NetworkRequest;
  readonly address: string | null;
}

const loopback = "127.0.0.1";

/** What to do about a private network without a way out. */
export const openWayOut = "`constellation daemon start --network prepare` opens a way out";

/**
 * Decides the network. `auto` takes a private one when bandwidth is limited or when this machine gives it a way out,
 * and the machine's own otherwise: an app that can call nobody is worse than one that shares a network.
 *
 * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`
 */
export function networkFor(
  wanted: Isolation["network"],
  resources: Resources,
  number: number,
  { facts, wayOut, namespaces, wrapper }: Abilities,
  verdict: Verdict,
): NetworkPlan {
  const { networkInBitsPerSecond: inBits, networkOutBitsPerSecond: outBits } = resources;
  const rates = [
    ...(inBits === null ? [] : [["limit.network-in", formatBitrate(inBits)] as const]),
    ...(outBits === null ? [] : [["limit.network-out", formatBitrate(outBits)] as const]),
  ];
  const refuse = (missing: string, remedy: string): void => {
    for (const [measure, detail] of rates) verdict.missingLimit(measure, detail, missing, remedy);
  };
  const shared = (): NetworkPlan => ({ network: { kind: "host" }, address: loopback });

  const able = namespaces.plainMissing === null || namespaces.withUserMissing === null;
  if (wanted === "none" && (able || wrapper === "bubblewrap")) {
    for (const [measure] of rates) verdict.off(measure, "there is no network to limit");
    verdict.on("namespace.network", "nothing but its own loopback");
    return { network: { kind: "none" }, address: null };
  }
  const privately = wanted === "private" || (wanted === "auto" && (rates.length > 0 || wayOut.kind === "open"));
  if (privately && able && facts.privileged) {
    for (const [measure, detail] of rates) verdict.on(measure, detail);
    const wire = planWire(number, { receiveBitsPerSecond: inBits, sendBitsPerSecond: outBits });
    const own = `its own address ${wire.instanceAddress}, which reaches`;
    if (wayOut.kind === "open") verdict.on("namespace.network", `${own} the world by ${wayOut.by}`);
    else verdict.partial("namespace.network", `${own} only this machine: ${wayOut.missing}; ${openWayOut}`);
    return { network: { kind: "private", wire }, address: wire.instanceAddress };
  }
  if (wanted === "host") {
    refuse("isolation.network is host", "Set isolation.network to private");
    verdict.off("namespace.network", "switched off in the spec");
    return shared();
  }
  const none = networkMissing(facts.privileged, namespaces.plainMissing);
  if (none !== null) refuse(none.missing, none.remedy);
  const closed = wayOut.kind === "closed" ? `a private network has no way out: ${wayOut.missing}` : "";
  verdict.missingProtection("namespace.network", wanted !== "auto", none?.missing ?? closed);
  return shared();
}

/** Why an instance cannot have a network of its own here; null when it can. */
function networkMissing(privileged: boolean, plainMissing: string | null): { missing: string; remedy: string } | null {
  if (!privileged) return { missing: "a network of its own needs a root daemon", remedy: "Run the daemon as root" };
  if (plainMissing === null) return null;
  return {
    missing: `a network of its own needs namespaces, which this machine refuses: ${plainMissing}`,
    remedy: "Run the daemon where namespaces are allowed, see `constellation doctor`",
  };
}
