import type { InstanceUser } from "../launch/index.ts";

/** The user of this machine to whom what an instance may use must be given; null: it is ours. */
export function ownerOf(user: InstanceUser): number | null {
  if (process.getuid?.() !== 0) return null;
  if (user.kind === "own") return user.uid;
  return user.kind === "namespace" ? user.outsideUid : null;
}
