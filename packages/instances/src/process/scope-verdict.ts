import type { Isolation, NetworkRequest } from "../launch/index.ts";
import type { Abilities } from "./abilities.ts";
import type { IsolationPlan } from "./isolation-verdict.ts";
import type { Verdict } from "./verdict.ts";

/** Since this version Landlock keeps processes from the abstract sockets of others and from signalling them. */
export const keepsScopes = (landlockVersion: number): boolean => landlockVersion >= 6;

/**
 * Keeps an instance from what comes with sharing: abstract Unix sockets belong to the network (a display, a message bus
 * and a container engine may listen there), signals to the process numbers.
 */
export function scopeFor(
  { isolation, wrapper }: Pick<IsolationPlan, "isolation" | "wrapper">,
  network: NetworkRequest,
  { landlockVersion }: Pick<Abilities, "landlockVersion">,
  verdict: Verdict,
): Isolation {
  const shared = [
    ...(network.kind === "host" ? (["sockets.abstract"] as const) : []),
    ...(isolation.pid ? [] : (["signals"] as const)),
  ];
  const able = isolation.noNewPrivileges && keepsScopes(landlockVersion) && wrapper !== "bubblewrap";
  for (const measure of shared) {
    if (able) verdict.on(measure, "only its own");
    else if (!isolation.noNewPrivileges) verdict.off(measure, "it is not confined");
    else if (wrapper === "bubblewrap") verdict.missingProtection(measure, false, `${wrapper} cannot`);
    else verdict.missingProtection(measure, false, "needs Linux 6.12 or newer with Landlock");
  }
  return {
    ...isolation,
    ownSockets: able && shared.includes("sockets.abstract"),
    ownSignals: able && shared.includes("signals"),
  };
}
