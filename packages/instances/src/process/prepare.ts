import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { Cgroup } from "@constellation/host";
import type { RunFacts } from "../driver/run-facts.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { Bind, HostFacts, InstanceUser, LaunchRequest } from "../launch/index.ts";
import { logEnd, type LogPosition } from "../logs/log-files.ts";
import type { Abilities } from "./abilities.ts";
import { cgroupFor } from "./cgroup-limits.ts";
import { dataFor } from "./data-folder.ts";
import { doorsFolder, type DriverFolders, inside, logPath, runFiles, runFolder } from "./folders.ts";
import type { FoldersAhead } from "./folders-ahead.ts";
import type { GroupAhead } from "./group-ahead.ts";
import { isolationFor } from "./isolation-verdict.ts";
import { checkMountSources } from "./mount-sources.ts";
import { checkMountTargets } from "./mount-targets.ts";
import { networkFor } from "./network-verdict.ts";
import { openFilesFor } from "./open-files-verdict.ts";
import { ownerOf } from "./owner-of.ts";
import { mostSockets, runsNode } from "../ports/index.ts";
import { programFor } from "./program.ts";
import { scopeFor } from "./scope-verdict.ts";
import type { SlotNeeds } from "./slot/slot-shape.ts";
import { Verdict } from "./verdict.ts";
import { wrapLaunch } from "./wrapper/wrapped-launch.ts";
import { type InsideWrapper, type Wrapper } from "./wrapper/wrapper.ts";

/** A launch with everything made that it needs beforehand. */
export interface Prepared {
  readonly launch: LaunchRequest;
  readonly wrapper: Wrapper | null;
  /** What holds inside a wrapper; null: `launch` says it. */
  readonly inside: InsideWrapper | null;
  readonly cgroup: Cgroup | null;
  readonly facts: Omit<RunFacts, "pid" | "startedAt" | "start">;
  readonly logFrom: LogPosition | null;
}

/** The program must have begun by then. */
export const startTimeoutMs = 10_000;
const longestLineBytes = 16 * 1024;

/** What is there already when a run was prepared ahead: its run folder, and its control group. */
export interface MadeAhead {
  readonly group: GroupAhead | null;
}

/** What a launch is prepared with. */
export interface PrepareParts {
  readonly folders: DriverFolders;
  readonly abilities: Abilities;
  readonly newFolders: FoldersAhead;
}

/** Looks whether something was prepared ahead that fits; what it finds lies in the run's folder then. */
export type FindAhead = (needs: SlotNeeds) => MadeAhead | null;

/**
 * Turns a request into a launch: decides every limit and protection, makes folders and the control group.
 *
 * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, `instance.start-failed`
 */
export async function prepare(
  request: StartRequest,
  number: number,
  { folders, abilities, newFolders }: PrepareParts,
  madeAhead: MadeAhead | FindAhead = () => null,
): Promise<Prepared> {
  const name = instanceName(request);
  const { resources } = request;
  const verdict = new Verdict(name, resources.bestEffort);
  const decided = decide(request, number, abilities, verdict);
  const { isolation, user, wrapper, network, address } = decided;
  const ownRoot = isolation.root && wrapper === null;
  const openFiles = openFilesFor(resources, abilities, verdict);
  checkMounts(request, isolation.root, abilities.facts);

  const run = runFolder(folders, request.runId);
  const { tmpBytes } = request.isolation;
  const ahead = typeof madeAhead === "function" ? findAhead(decided, request, madeAhead) : madeAhead;
  const doorsOnDisk = sharesPort(request) && !ownRoot;
  const sockets = ahead === null ? makeRunFolder(run) : runSockets(run);
  if (doorsOnDisk) makeDoors(sockets, user);
  const data = await dataFor(
    request,
    { folders, ahead: newFolders },
    {
      uid: ownerOf(user),
      ownRoot,
      isolation: request.isolation,
      inUserNamespace: user.kind === "namespace",
      host: abilities.facts,
    },
    verdict,
  );
  const place = isolation.root
    ? { dataFolder: data.request.target, sockets: inside.sockets, doors: inside.doors }
    : { dataFolder: data.folder ?? data.request.target, sockets: sockets.folder, doors: sockets.doors };
  const program = programFor(request, {
    hostname: `${request.app}-${request.index}`,
    dataFolder: place.dataFolder,
    metricsSocket: `${place.sockets}/${runFiles.metrics}`,
    doorFolder: place.doors,
    ownPids: isolation.pid && wrapper === null,
  });
  const log = logPath(folders, request);
  const logFrom = logEnd(log);
  if (logFrom === null && !existsSync(dirname(log))) newFolders.place("log", dirname(log));
  const asked: LaunchRequest = {
    identity: { name, hostname: `${request.app}-${request.index}` },
    argv: program.argv,
    env: program.environment,
    cwd: request.folder ?? place.dataFolder,
    instanceDir: run,
    log: {
      path: log,
      maxBytes: request.logs.maxFileBytes,
      rotatedFiles: Math.max(0, request.logs.maxFiles - 1),
      maxLineBytes: longestLineBytes,
    },
    isolation,
    user,
    binds: isolation.root ? bindsFor(request, program.readable, sockets, doorsOnDisk) : [],
    memoryFolders: ownRoot && sharesPort(request) ? [doorsFolder] : [],
    data: isolation.root ? data.request : null,
    tmpBytes,
    sharedMemoryBytes: tmpBytes,
    rlimits: openFiles === null ? {} : { openFiles },
    cgroups: [],
    network,
    sockets: program.sockets,
    startTimeoutMs,
  };
  const { launch, inside: within } =
    wrapper === null ? { launch: asked, inside: null } : wrapLaunch(asked, wrapper, abilities.facts);
  // Last, because it is the one thing that must be taken back by hand.
  const cgroup = cgroupFor(
    { name: `${name}-${request.runId}`, made: ahead?.group ?? null },
    resources,
    folders.state,
    abilities,
    verdict,
  );
  return {
    cgroup,
    wrapper,
    launch: { ...launch, cgroups: cgroup?.joinTargets ?? [] },
    inside: within,
    logFrom,
    facts: {
      runId: request.runId,
      measures: verdict.measures,
      logFile: log,
      dataFolder: data.folder,
      environment: program.environment,
      address,
      doors: Object.fromEntries(
        request.ports
          // Only our preload opens doors; other programs that share a socket are met by its public port.
          .filter(({ mode }) => mode === "shared" && runsNode(request.run))
          .map((port) => [port.name, join(ownRoot ? inside.doors : sockets.doors, `${port.name}.sock`)]),
      ),
    },
  };
}

/** The isolation of a launch, whole. */
interface Decided extends Pick<LaunchRequest, "isolation" | "user" | "network"> {
  readonly wrapper: Wrapper | null;
  readonly address: string | null;
}

/** @throws ConstellationError `limit.unenforceable`, `isolation.unavailable` */
function decide(
  { isolation: wanted, resources }: Pick<StartRequest, "isolation" | "resources">,
  number: number,
  abilities: Abilities,
  verdict: Verdict,
): Decided {
  const plan = isolationFor(wanted, number, abilities, verdict);
  const { network, address } = networkFor(wanted.network, resources, number, abilities, verdict);
  const { user, wrapper } = plan;
  return { isolation: scopeFor(plan, network, abilities, verdict), user, wrapper, network, address };
}

/** What a start with this request would need of a slot; null when it cannot be in one. */
export function slotNeedsOf(
  request: Pick<StartRequest, "isolation" | "resources" | "mounts" | "ports">,
  abilities: Abilities,
): SlotNeeds | null {
  const decided = decide(request, 0, abilities, new Verdict("a slot", request.resources.bestEffort, "check"));
  return decided.wrapper === null ? needsOf(decided, request) : null;
}

function findAhead(decided: Decided, request: StartRequest, find: FindAhead): MadeAhead | null {
  return decided.wrapper === null ? find(needsOf(decided, request)) : null;
}

function needsOf(
  { isolation, user, network }: Decided,
  request: Pick<StartRequest, "isolation" | "mounts" | "ports">,
): SlotNeeds {
  const { isolation: asked, mounts, ports } = request;
  const handed = mounts.length + mostSockets(ports);
  return { isolation, user, network, tmpBytes: asked.tmpBytes, handed };
}

/** Folders that a run shares with its program: ours to write, or the program's (doors). */
export interface RunSockets {
  readonly folder: string;
  readonly doors: string;
}

function runSockets(run: string): RunSockets {
  return { folder: `${run}/${runFiles.sockets}`, doors: `${run}/${runFiles.doors}` };
}

/** The run's own folder may be passed through by everybody, since without a private root the program goes that way. */
export function makeRunFolder(run: string): RunSockets {
  try {
    mkdirSync(run, { mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    // Somebody deleted the folder of all runs, as the end of a login does where nobody lingers.
    mkdirSync(dirname(run), { recursive: true, mode: 0o711 });
    mkdirSync(run, { mode: 0o711 });
  }
  chmodSync(run, 0o711);
  const sockets = runSockets(run);
  mkdirSync(sockets.folder, { mode: 0o755 });
  return sockets;
}

/** In a file tree of its own a program opens its doors in memory; elsewhere they need a folder. */
function makeDoors({ doors }: RunSockets, user: InstanceUser): void {
  mkdirSync(doors, { mode: 0o755 });
  const owner = ownerOf(user);
  if (owner !== null) chownSync(doors, owner, owner);
}

const sharesPort = ({ ports }: StartRequest): boolean => ports.some(({ mode }) => mode === "shared");

function bindsFor(
  request: StartRequest,
  readable: readonly string[],
  sockets: RunSockets,
  doorsOnDisk: boolean,
): Bind[] {
  const { folder, mounts } = request;
  return [
    ...(folder === null ? [] : [{ source: folder, writable: false, folder: true }]),
    ...readable
      .filter((path) => folder === null || !path.startsWith(`${folder}/`))
      .map((source) => ({ source, writable: false })),
    { source: sockets.folder, target: inside.sockets, writable: false, folder: true },
    ...(doorsOnDisk ? [{ source: sockets.doors, target: inside.doors, writable: true, folder: true }] : []),
    ...mounts.map(({ source, target, readOnly }) => ({ source, target, writable: !readOnly })),
  ];
}

/** @throws ConstellationError `instance.start-failed`, `isolation.unavailable`, `spec.invalid` */
function checkMounts(request: StartRequest, ownRoot: boolean, facts: HostFacts): void {
  const name = instanceName(request);
  for (const { source } of request.mounts) {
    if (!existsSync(source)) {
      throw new ConstellationError(
        "instance.start-failed",
        `Cannot start ${name}: its mount source ${source} does not exist`,
        {
          remedy: "Create it, or remove the mount.",
        },
      );
    }
  }
  if (request.folder !== null && !existsSync(request.folder)) {
    throw new ConstellationError(
      "instance.start-failed",
      `Cannot start ${name}: the app's folder ${request.folder} does not exist`,
      {
        remedy: "Apply the spec again from where it is now.",
      },
    );
  }
  const { folder, mounts, isolation } = request;
  if (ownRoot) checkMountSources({ name, folder, mounts }, "start");
  checkMountTargets({ name, folder, mounts, isolation }, ownRoot, facts, "start");
}
