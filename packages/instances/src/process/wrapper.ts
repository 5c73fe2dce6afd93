import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { ConstellationError } from "@constellation/contract";
import { type HostFacts, type LaunchRequest, noIsolation } from "../launch/index.ts";
import type { IsolationPlan } from "./isolation-verdict.ts";

/**
 * A program of the system that isolates where our launcher is not allowed to (a security module that lets only known
 * programs make namespaces, for example). The launcher still supervises and logs; the program is started through it.
 */
export type Wrapper = "bubblewrap";

/** What a program in a wrapper lives under, for those who follow it there. */
export type InsideWrapper = Pick<LaunchRequest, "isolation" | "cwd">;

/** What it keeps apart. */
export const wrapperParts: readonly string[] = [
  "namespace.mount",
  "root.read-only",
  "namespace.pid",
  "namespace.ipc",
  "namespace.uts",
  "namespace.cgroup",
  "capabilities",
];

/** Bubblewrap, when it works here; null when it does not. */
export function findWrapper(): Wrapper | null {
  const words = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" };
  return spawnSync("bwrap", words, { env, timeout: 5000, stdio: "ignore" }).status === 0 ? "bubblewrap" : null;
}

/**
 * The launch of the same program through bubblewrap; `launch` says what shall hold inside.
 *
 * @throws ConstellationError `instance.start-failed` when there is no such program
 */
export function wrapped(launch: LaunchRequest, { isolation }: IsolationPlan, facts: HostFacts): LaunchRequest {
  checkProgram(launch);
  const argv = [...bubblewrapWords(launch, isolation, facts), ...launch.argv];
  return { ...launch, argv, isolation: noIsolation, binds: [], data: null, cwd: "/" };
}

/** bwrap(1). Its own init reaps; the tree dies with it. */
function bubblewrapWords(launch: LaunchRequest, isolation: LaunchRequest["isolation"], facts: HostFacts): string[] {
  const { binds, data, identity, cwd, network } = launch;
  const flag = (on: boolean, ...words: string[]): string[] => (on ? words : []);
  const root = isolation.root
    ? [
        ...facts.rootEntries.flatMap((entry) =>
          entry.kind === "link"
            ? ["--symlink", entry.target, `/${entry.name}`]
            : ["--ro-bind", `/${entry.name}`, `/${entry.name}`],
        ),
        ...(facts.resolver === null ? [] : ["--ro-bind", facts.resolver, facts.resolver]),
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        ...binds.flatMap(({ source, target, writable }) => [
          writable ? "--bind" : "--ro-bind",
          source,
          target ?? source,
        ]),
        ...(data?.kind === "folder" ? ["--bind", data.source, data.target] : []),
      ]
    : ["--bind", "/", "/", ...flag(isolation.pid, "--proc", "/proc")];
  return [
    "bwrap",
    "--die-with-parent",
    "--unshare-user",
    ...flag(isolation.pid, "--unshare-pid"),
    ...flag(isolation.ipc, "--unshare-ipc"),
    ...flag(isolation.uts, "--unshare-uts", "--hostname", identity.hostname),
    ...flag(isolation.cgroup, "--unshare-cgroup"),
    ...flag(network.kind === "none", "--unshare-net"),
    ...root,
    "--chdir",
    cwd,
    "--",
  ];
}

/** @throws ConstellationError `instance.start-failed`: bubblewrap itself would start, and only then say that its program is missing */
function checkProgram({ argv, env, identity }: LaunchRequest): void {
  const [program = ""] = argv;
  const places = program.includes("/")
    ? [program]
    : (env["PATH"] ?? "").split(":").map((folder) => `${folder}/${program}`);
  if (places.some((place) => !place.startsWith("/") || existsSync(place))) return;
  throw new ConstellationError(
    "instance.start-failed",
    `Cannot start ${identity.name}: execute ${program} failed: ENOENT`,
    {
      remedy: "Check the command, and that the instance can see it.",
      details: { errno: "ENOENT" },
    },
  );
}
