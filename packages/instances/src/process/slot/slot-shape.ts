import type { LaunchRequest } from "../../launch/index.ts";

/** What namespaces made ahead must be like to fit an instance. Sizes in bytes. */
export interface SlotShape extends Pick<LaunchRequest, "isolation" | "tmpBytes" | "sharedMemoryBytes"> {
  /** Equal for equal shapes. */
  readonly key: string;
  readonly network: { readonly kind: "host" | "none" };
}

/** What a launch has decided by the time a slot may be taken. */
export interface SlotNeeds extends Pick<LaunchRequest, "isolation" | "user" | "network" | "tmpBytes"> {
  /** Descriptors that it is handed: mounts that the spec names, and sockets of shared ports. */
  readonly handed: number;
}

/** A slot is handed at most 31 descriptors; the platform's own mounts and the data folder need about ten. */
const mostHanded = 16;

/**
 * The shape that a launch needs; null when none can be made ahead: without a root and process numbers of its own nothing
 * can wait, a private network has the addresses of one instance, and nobody but root can do the rest later.
 */
export function slotShapeOf({ isolation, user, network, tmpBytes, handed }: SlotNeeds): SlotShape | null {
  if (!isolation.root || !isolation.pid || typeof isolation.seccomp !== "string") return null;
  if (network.kind === "private" || user.kind === "same" || handed > mostHanded) return null;
  const key = JSON.stringify([isolation, tmpBytes, network.kind]);
  return { key, isolation, tmpBytes, sharedMemoryBytes: tmpBytes, network: { kind: network.kind } };
}
