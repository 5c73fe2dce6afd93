import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cgroup, createCgroup } from "@constellation/host";
import { launchBinary } from "../binary.ts";
import { newRunId } from "../driver/run-id.ts";
import type { Bind, LaunchRequest } from "../launch/index.ts";
import { Standby } from "../launch/standby/standby.ts";
import { abandon } from "../process/abandon.ts";
import { inside, runFiles, sparesFolder } from "../process/folders.ts";
import { isolationFor } from "../process/isolation-verdict.ts";
import { networkFor } from "../process/network-verdict.ts";
import { noLimits } from "../process/no-limits.ts";
import { makeRunFolder, startTimeoutMs } from "../process/prepare.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { scopeFor } from "../process/scope-verdict.ts";
import { Verdict } from "../process/verdict.ts";
import { nodePrefix } from "../script/node-program.ts";
import { FoldersAhead } from "./folders-ahead.ts";
import type { Shape } from "./shape.ts";

/** What a waiting Node executes. */
const warmProgram = fileURLToPath(new URL("../../preload/warm.cjs", import.meta.url));
const warmUp = fileURLToPath(new URL("../../preload/warm-up.cjs", import.meta.url));
const warmModule = fileURLToPath(new URL("../../preload/warm-up.mjs", import.meta.url));
const become = fileURLToPath(new URL("../../preload/become.cjs", import.meta.url));
const entry = fileURLToPath(new URL("../../preload/entry.cjs", import.meta.url));
/** Where that lies inside: not where the machine has it, which no script needs to see. */
const ownFolder = "/run/constellation-warm";

/** Takes the words of the command later, so that `ps` shows what runs (preload/become.cjs). */
const roomForWords = " ".repeat(4096);

/** What a start writes: the record of the run, by way of its new name, and the rest of the plan. */
const filledLater = [`${runFiles.record}.new`, "assign"];

/** While it warms up, whatever serves somebody comes first. */
const waitingWeight = 25;

/** A Node that waits, complete but for what it will run: user, namespaces, network, control group. */
export interface Spare {
  readonly shape: Shape;
  readonly number: number;
  readonly cgroup: Cgroup | null;
  readonly standby: Standby;
  readonly folders: FoldersAhead;
}

/** Users of instances begin here on this machine; the spare's own follows from its number. */
export const uidOf = ({ user }: Pick<LaunchRequest, "user">): number | null =>
  user.kind === "own" ? user.uid : user.kind === "namespace" ? user.outsideUid : null;

/**
 * Makes a spare; resolves when it is warm and waits.
 *
 * @throws LaunchError, ConstellationError when this machine cannot, nothing is left then
 */
export async function makeSpare(shape: Shape, parts: ProcessParts, signal: AbortSignal): Promise<Spare> {
  const { numbers, abilities, folders } = parts;
  const id = newRunId(parts.clock.nowMs(), Math.random());
  const number = numbers.reserve("a warm Node");
  const folder = join(sparesFolder(folders), id);
  let cgroup: Cgroup | null = null;
  let made: FoldersAhead | null = null;
  try {
    mkdirSync(sparesFolder(folders), { recursive: true, mode: 0o711 });
    cgroup = groupFor(id, parts);
    const request = requestFor(shape, { number, folder, cgroup }, parts);
    for (const name of filledLater) writeFileSync(join(folder, name), "", { mode: 0o600 });
    made = FoldersAhead.make(folders, id, uidOf(request));
    const standby = await Standby.prepare(request, await parts.spawner(), abilities.facts, { signal });
    return { shape, number, cgroup, standby, folders: made };
  } catch (error) {
    made?.drop();
    await abandon(folder, cgroup, startTimeoutMs);
    numbers.free(number);
    throw error;
  }
}

/** Ends a spare that is not needed; resolves when nothing of it is left. */
export async function discardSpare(
  { standby, cgroup, number, folders }: Spare,
  { numbers }: ProcessParts,
): Promise<void> {
  standby.discard();
  folders.drop();
  await abandon(standby.request.instanceDir, cgroup, startTimeoutMs);
  numbers.free(number);
}

function groupFor(id: string, { abilities: { cgroups } }: ProcessParts): Cgroup | null {
  if (cgroups.kind === "unavailable") return null;
  const outcome = createCgroup(cgroups.base, `spare-${id}`, { cpuWeight: waitingWeight }, { bestEffort: true });
  return outcome.kind === "created" ? outcome.cgroup : null;
}

/** A launch as that of an instance with this number, but for everything that only the instance has. */
function requestFor(
  shape: Shape,
  { number, folder, cgroup }: { readonly number: number; readonly folder: string; readonly cgroup: Cgroup | null },
  { abilities }: ProcessParts,
): LaunchRequest {
  // What is missing is refused when an instance asks for it.
  const verdict = new Verdict("a warm Node", true);
  const plan = isolationFor(shape.isolation, number, abilities, verdict);
  const { network } = networkFor(
    shape.isolation.network,
    { ...noLimits, ...shape.resources },
    number,
    abilities,
    verdict,
  );
  const module = launchBinary("warm.node");
  const prefix = nodePrefix();
  const sockets = makeRunFolder(folder, plan.user);
  const at = (path: string): string => join(ownFolder, basename(path));
  const readable = [warmProgram, warmUp, become, entry, warmModule, module];
  return {
    identity: { name: "a warm Node", hostname: "warm" },
    argv: [process.execPath, ...shape.flags, ...[warmProgram, module, warmModule].map(at), roomForWords],
    env: shape.environment,
    cwd: "/",
    instanceDir: folder,
    log: { path: join(folder, "log"), maxBytes: 65_536, rotatedFiles: 0, maxLineBytes: 4096 },
    isolation: scopeFor(plan, network, abilities, verdict),
    user: plan.user,
    binds: [
      ...readable.map((source): Bind => ({ source, target: at(source), writable: false })),
      ...(prefix === null ? [] : [{ source: prefix, writable: false }]),
      { source: sockets.folder, target: inside.sockets, writable: false },
    ],
    memoryFolders: [],
    data: null,
    tmpBytes: shape.isolation.tmpBytes,
    sharedMemoryBytes: shape.isolation.tmpBytes,
    rlimits: {},
    cgroups: cgroup?.joinTargets ?? [],
    network,
    sockets: [],
    startTimeoutMs,
  };
}
