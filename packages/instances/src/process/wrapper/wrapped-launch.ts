import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import { launchBinary } from "../../binary.ts";
import {
  becomePlan,
  type HostFacts,
  type InheritedFile,
  type LaunchRequest,
  noIsolation,
  seccompFilter,
} from "../../launch/index.ts";
import { bubblewrapWords } from "./bubblewrap.ts";
import { unshareWords } from "./unshare.ts";
import type { InsideWrapper, Wrapper } from "./wrapper.ts";

/** The launch of a wrapper, and what holds inside. */
export interface WrappedLaunch {
  readonly launch: LaunchRequest;
  readonly inside: InsideWrapper;
}

/**
 * Puts a wrapper around a launch that says what shall hold inside.
 *
 * @throws ConstellationError `program.unrunnable` when there is no such program
 */
export function wrapLaunch(launch: LaunchRequest, wrapper: Wrapper, facts: HostFacts): WrappedLaunch {
  checkProgram(launch);
  const user = userInside(launch, facts);
  const { isolation, network, cwd } = launch;
  const outside = { ...launch, isolation: noIsolation, network: { kind: "host" }, binds: [], data: null } as const;
  const inside = { isolation, network, cwd, user };
  const first = Math.max(2, ...launch.sockets.map(({ fd }) => fd)) + 1;
  if (wrapper === "unshare") {
    const rest = fileOf(launch, "rest.plan", becomePlan(launch, facts));
    const files = [
      { path: rest, fd: first },
      { path: launchBinary("launcher"), fd: first + 1 },
    ];
    const argv = unshareWords(isolation, user, first);
    return { launch: { ...outside, argv, env: { PATH: "/usr/bin:/bin" }, files }, inside };
  }
  const files: InheritedFile[] =
    isolation.seccomp === "off"
      ? []
      : [{ path: fileOf(launch, "filter.bpf", seccompFilter(facts.architecture)), fd: first }];
  const argv = [...bubblewrapWords(launch, facts, files[0]?.fd ?? null), ...launch.argv];
  return { launch: { ...outside, argv, cwd: "/", files }, inside };
}

/** Wrappers map a user to itself: who it is outside, it is inside. */
function userInside({ user }: LaunchRequest, facts: HostFacts): InsideWrapper["user"] & { kind: "namespace" } {
  const { uid, gid } = user.kind === "own" ? user : facts;
  return { kind: "namespace", insideUid: uid, insideGid: gid, outsideUid: uid, outsideGid: gid };
}

/** Opened by the supervisor: nobody else needs to be able to. */
function fileOf({ instanceDir }: LaunchRequest, name: string, content: Uint8Array): string {
  const path = join(instanceDir, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

/** @throws ConstellationError `program.unrunnable`: the wrapper itself would start, and only then say that its program is missing */
function checkProgram({ argv, env, identity }: LaunchRequest): void {
  const [program = ""] = argv;
  const places = program.includes("/")
    ? [program]
    : (env["PATH"] ?? "").split(":").map((folder) => `${folder}/${program}`);
  if (places.some((place) => !place.startsWith("/") || existsSync(place))) return;
  throw new ConstellationError(
    "program.unrunnable",
    `Cannot start ${identity.name}: execute ${program} failed: ENOENT`,
    {
      remedy: "Check the command, and that the instance can see it.",
      details: { errno: "ENOENT" },
    },
  );
}
