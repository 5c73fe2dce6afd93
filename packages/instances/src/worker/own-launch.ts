import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { noLimits } from "@constellation/contract";
import type { Cgroup } from "@constellation/host";
import type { Bind, LaunchRequest } from "../launch/index.ts";
import { inside } from "../process/folders.ts";
import { isolationFor } from "../process/isolation-verdict.ts";
import { networkFor } from "../process/network-verdict.ts";
import { makeRunFolder, startTimeoutMs } from "../process/prepare.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { scopeFor } from "../process/scope-verdict.ts";
import { Verdict } from "../process/verdict.ts";
import { nodePrefix } from "../script/node-program.ts";
import type { Shape } from "./shape.ts";

/** Where our own programs lie inside: not where the machine has them, which no script needs to see. */
const ownFolder = "/run/constellation-warm";

/** A file of preload/, on this machine. */
export const preloadFile = (name: string): string => fileURLToPath(new URL(`../../preload/${name}`, import.meta.url));

/** Where a file of ours lies inside. */
export const insideOwn = (source: string): string => join(ownFolder, basename(source));

/** A Node that runs a program of ours in the place of an instance. */
export interface OwnProgram {
  /** For messages. */
  readonly name: string;
  /** What follows Node's own options. */
  readonly words: readonly string[];
  /** Files of ours that it reads, on this machine. */
  readonly files: readonly string[];
}

/** User and folder of a launch. */
export interface OwnPlace {
  readonly number: number;
  readonly folder: string;
  readonly cgroup: Cgroup | null;
}

/** A launch as that of an instance with this number, but for everything that only an instance has. Makes its folder. */
export function ownLaunch(
  { name, words, files }: OwnProgram,
  shape: Shape,
  { number, folder, cgroup }: OwnPlace,
  { abilities }: ProcessParts,
): LaunchRequest {
  // What is missing is refused when an instance asks for it.
  const verdict = new Verdict(name, true);
  const plan = isolationFor(shape.isolation, number, abilities, verdict);
  const { network } = networkFor(
    shape.isolation.network,
    { ...noLimits, ...shape.resources },
    number,
    abilities,
    verdict,
  );
  const prefix = nodePrefix();
  const sockets = makeRunFolder(folder);
  return {
    identity: { name, hostname: "warm" },
    argv: [process.execPath, ...shape.flags, ...words],
    env: shape.environment,
    cwd: "/",
    instanceDir: folder,
    log: { path: join(folder, "log"), maxBytes: 65_536, rotatedFiles: 0, maxLineBytes: 4096 },
    isolation: scopeFor(plan, network, abilities, verdict),
    user: plan.user,
    binds: [
      ...files.map((source): Bind => ({ source, target: insideOwn(source), writable: false })),
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

/** The user of this machine whom a launch runs as; null: ours. */
export const uidOf = ({ user }: Pick<LaunchRequest, "user">): number | null =>
  user.kind === "own" ? user.uid : user.kind === "namespace" ? user.outsideUid : null;
