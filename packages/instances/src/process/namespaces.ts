import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  buildPlan,
  fullIsolation,
  type HostFacts,
  type InstanceUser,
  LaunchError,
  type Spawner,
  watchLife,
} from "../launch/index.ts";
import { removeRunFolder } from "./run-folder.ts";

/** What was found when namespaces were tried; `null`: they work, else why not. */
export interface NamespaceAbilities {
  /** With a user namespace of its own. */
  readonly withUserMissing: string | null;
  /** As an unprivileged user of the machine, started by root. */
  readonly plainMissing: string | null;
}

const timeoutMs = 5000;

/**
 * Tries the full isolation with a program that does nothing. Settings of the kernel say what may work; containers,
 * security modules and system call filters are known only by trying.
 */
export async function tryNamespaces(facts: HostFacts, runtime: string, spawner: Spawner): Promise<NamespaceAbilities> {
  const { uid, gid, privileged } = facts;
  const inside = { insideUid: 1000, insideGid: 1000 };
  const outside = privileged ? { outsideUid: 65_534, outsideGid: 65_534 } : { outsideUid: uid, outsideGid: gid };
  const attempt = (name: string, user: InstanceUser): Promise<string | null> =>
    tryOne(facts, join(runtime, `try-${name}`), user, spawner);
  const [withUserMissing, plainMissing] = await Promise.all([
    attempt("user", { kind: "namespace", ...inside, ...outside }),
    privileged
      ? attempt("plain", { kind: "own", uid: 65_534, gid: 65_534, groups: [] })
      : Promise.resolve("needs a root daemon"),
  ]);
  return { withUserMissing, plainMissing };
}

async function tryOne(facts: HostFacts, folder: string, user: InstanceUser, spawner: Spawner): Promise<string | null> {
  await removeRunFolder(folder);
  mkdirSync(folder, { mode: 0o711 });
  try {
    const plan = buildPlan(
      {
        identity: { name: "a trial", hostname: "trial" },
        argv: ["/bin/true"],
        env: {},
        cwd: "/",
        instanceDir: folder,
        log: null,
        isolation: fullIsolation,
        user,
        binds: [],
        memoryFolders: [],
        data: null,
        tmpBytes: 1_000_000,
        sharedMemoryBytes: 1_000_000,
        rlimits: {},
        cgroups: [],
        network: { kind: "none" },
        sockets: [],
        startTimeoutMs: timeoutMs,
      },
      facts,
    );
    await spawner.launch(plan, { signal: AbortSignal.timeout(timeoutMs) });
    await watchLife(folder, { signal: AbortSignal.timeout(timeoutMs) });
    return null;
  } catch (error) {
    if (error instanceof LaunchError) return error.message.replace("Cannot start a trial: ", "");
    throw error;
  } finally {
    await removeRunFolder(folder);
  }
}
