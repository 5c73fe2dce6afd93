import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { Cgroup } from "@constellation/host";
import type { RunFacts } from "../driver/run-facts.ts";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import type { Bind, InstanceUser, LaunchRequest } from "../launch/index.ts";
import { logEnd, type LogPosition } from "../logs/log-files.ts";
import type { Abilities } from "./abilities.ts";
import { cgroupFor } from "./cgroup-limits.ts";
import { dataFor } from "./data-folder.ts";
import { type DriverFolders, inside, logPath, runFiles, runFolder } from "./folders.ts";
import { isolationFor } from "./isolation-verdict.ts";
import { networkFor } from "./network-verdict.ts";
import { openFilesFor } from "./open-files-verdict.ts";
import { runsNode } from "../ports/index.ts";
import { programFor } from "./program.ts";
import { scopeFor } from "./scope-verdict.ts";
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

/** What is there already when the program was executed ahead: its run folder, and a control group without limits. */
export interface MadeAhead {
  readonly cgroup: Cgroup | null;
}

/**
 * Turns a request into a launch: decides every limit and protection, makes folders and the control group.
 *
 * @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, `instance.start-failed`
 */
export async function prepare(
  request: StartRequest,
  number: number,
  folders: DriverFolders,
  abilities: Abilities,
  ahead: MadeAhead | null = null,
): Promise<Prepared> {
  const name = instanceName(request);
  const { resources } = request;
  const verdict = new Verdict(name, resources.bestEffort);
  const plan = isolationFor(request.isolation, number, abilities, verdict);
  const { user, wrapper } = plan;
  const { network, address } = networkFor(request.isolation.network, resources, number, abilities, verdict);
  const isolation = scopeFor(plan, network, abilities, verdict);
  const openFiles = openFilesFor(resources, abilities, verdict);
  checkMounts(request, isolation.root);

  const run = runFolder(folders, request.runId);
  const sockets = ahead === null ? makeRunFolder(run, user) : runSockets(run);
  const data = await dataFor(
    request,
    folders,
    { uid: ownerOf(user), ownRoot: isolation.root && wrapper === null, host: abilities.facts },
    verdict,
  );
  const place = isolation.root
    ? { dataFolder: data.request.target, sockets: inside.sockets, doors: inside.doors }
    : { dataFolder: data.folder ?? data.request.target, sockets: sockets.folder, doors: sockets.doors };
  const program = programFor(request, {
    hostname: `${request.app}-${request.index}`,
    dataFolder: place.dataFolder,
    metricsSocket: join(place.sockets, runFiles.metrics),
    doorFolder: place.doors,
    ownPids: isolation.pid && wrapper === null,
  });
  const log = logPath(folders, request);
  mkdirSync(dirname(log), { recursive: true, mode: 0o750 });
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
    binds: isolation.root ? bindsFor(request, program.readable, sockets) : [],
    memoryFolders: [],
    data: isolation.root ? data.request : null,
    tmpBytes: request.isolation.tmpBytes,
    sharedMemoryBytes: request.isolation.tmpBytes,
    rlimits: openFiles === null ? {} : { openFiles },
    cgroups: [],
    network,
    sockets: program.sockets,
    startTimeoutMs,
  };
  const { launch, inside: within } =
    wrapper === null ? { launch: asked, inside: null } : wrapLaunch(asked, wrapper, abilities.facts);
  const logFrom = logEnd(log);
  // Last, because it is the one thing that must be taken back by hand.
  const cgroup = cgroupFor(
    { name: `${name}-${request.runId}`, made: ahead?.cgroup ?? null },
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
          .map((port) => [port.name, join(sockets.doors, `${port.name}.sock`)]),
      ),
    },
  };
}

/** Folders that a run shares with its program: ours to write, or the program's (doors). */
export interface RunSockets {
  readonly folder: string;
  readonly doors: string;
}

function runSockets(run: string): RunSockets {
  return { folder: join(run, runFiles.sockets), doors: join(run, runFiles.doors) };
}

/** The run's own folder may be passed through by everybody, since without a private root the program goes that way. */
export function makeRunFolder(run: string, user: InstanceUser): RunSockets {
  mkdirSync(run, { mode: 0o711 });
  chmodSync(run, 0o711);
  const { folder, doors } = runSockets(run);
  mkdirSync(folder, { mode: 0o755 });
  mkdirSync(doors, { mode: 0o755 });
  give(doors, user);
  return { folder, doors };
}

/** The user of this machine that files must belong to; null: ours. */
function ownerOf(user: InstanceUser): number | null {
  if (process.getuid?.() !== 0) return null;
  if (user.kind === "own") return user.uid;
  return user.kind === "namespace" ? user.outsideUid : null;
}

function give(path: string, user: InstanceUser): void {
  const owner = ownerOf(user);
  if (owner !== null) chownSync(path, owner, owner);
}

function bindsFor(request: StartRequest, readable: readonly string[], sockets: RunSockets): Bind[] {
  const { folder, mounts, ports } = request;
  const shared = ports.some(({ mode }) => mode === "shared");
  return [
    ...(folder === null ? [] : [{ source: folder, writable: false }]),
    ...readable
      .filter((path) => folder === null || !path.startsWith(`${folder}/`))
      .map((source) => ({ source, writable: false })),
    { source: sockets.folder, target: inside.sockets, writable: false },
    ...(shared ? [{ source: sockets.doors, target: inside.doors, writable: true }] : []),
    ...mounts.map(({ source, target, readOnly }) => ({ source, target, writable: !readOnly })),
  ];
}

/** @throws ConstellationError `instance.start-failed`, `isolation.unavailable` */
function checkMounts(request: StartRequest, root: boolean): void {
  const name = instanceName(request);
  for (const { source, target } of request.mounts) {
    if (!existsSync(source)) {
      throw new ConstellationError(
        "instance.start-failed",
        `Cannot start ${name}: its mount source ${source} does not exist`,
        {
          remedy: "Create it, or remove the mount.",
        },
      );
    }
    if (!root && source !== target) {
      throw new ConstellationError(
        "isolation.unavailable",
        `Cannot start ${name}: ${source} cannot be shown at ${target} without a file tree of its own`,
        { remedy: "Leave isolation.mount and isolation.readOnlyRoot on, or use the same path." },
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
}
