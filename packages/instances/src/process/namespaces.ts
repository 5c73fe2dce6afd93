import { join } from "node:path";
import type { HostFacts, InstanceUser, Spawner } from "../launch/index.ts";
import { tryLaunch } from "./try-launch.ts";

/** What was found when namespaces were tried; `null`: they work, else why not. */
export interface NamespaceAbilities {
  /** With a user namespace of its own. */
  readonly withUserMissing: string | null;
  /** As an unprivileged user of the machine, started by root. */
  readonly plainMissing: string | null;
}

/** Tries the full isolation with a program that does nothing. */
export async function tryNamespaces(facts: HostFacts, runtime: string, spawner: Spawner): Promise<NamespaceAbilities> {
  const { uid, gid, privileged } = facts;
  const inside = { insideUid: 1000, insideGid: 1000 };
  const outside = privileged ? { outsideUid: 65_534, outsideGid: 65_534 } : { outsideUid: uid, outsideGid: gid };
  const attempt = async (name: string, user: InstanceUser): Promise<string | null> => {
    const outcome = await tryLaunch({ facts, spawner, folder: join(runtime, `try-${name}`) }, { user });
    return outcome.kind === "failed" ? outcome.reason : null;
  };
  const [withUserMissing, plainMissing] = await Promise.all([
    attempt("user", { kind: "namespace", ...inside, ...outside }),
    privileged
      ? attempt("plain", { kind: "own", uid: 65_534, gid: 65_534, groups: [] })
      : Promise.resolve("needs a root daemon"),
  ]);
  return { withUserMissing, plainMissing };
}
