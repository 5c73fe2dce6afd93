import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createCgroup,
  identifyProcess,
  listCgroups,
  openCgroupBase,
  removeCgroupBase,
  setOomScoreAdjustment,
  type Cgroup,
  type CgroupLocation,
  type ProcessIdentity,
} from "@constellation/host";
import { ConstellationError } from "@constellation/contract";

/** The control group that a run gets, or why it has none. */
export type RunGroup =
  | {
      readonly kind: "grouped";
      readonly cgroup: Cgroup;
      /** Removes what held the group, when no other run is in it. */ readonly leave: () => void;
    }
  | { readonly kind: "ungrouped"; readonly reason: string };

/** What the groups of runs lie below, in the guard's own group. */
export const runGroupBase = "constellation-guard";

/** Makes a group for a run below the guard's own, so that bounds around the guard hold for the run too. */
export function openRunGroup(run: string): RunGroup {
  if (process.platform !== "linux")
    return { kind: "ungrouped", reason: `control groups are a Linux feature, this is ${process.platform}` };
  try {
    return makeGroup(run);
  } catch {
    // A run that ended just now may have removed the base under us.
    try {
      return makeGroup(run);
    } catch (error) {
      return { kind: "ungrouped", reason: error instanceof Error ? error.message : String(error) };
    }
  }
}

function makeGroup(run: string): RunGroup {
  const opened = openCgroupBase({ placement: "own", name: runGroupBase });
  if (opened.kind === "unavailable") return { kind: "ungrouped", reason: `${opened.missing}; ${opened.remedy}` };
  const created = createCgroup(opened.base, run);
  return created.kind === "created"
    ? { kind: "grouped", cgroup: created.cgroup, leave: () => void removeCgroupBase(opened.base) }
    : { kind: "ungrouped", reason: created.limits.map(({ missing }) => missing).join(", ") };
}

/** The group that a guard made and had no time to note. */
export function findRunGroup(run: string): CgroupLocation | undefined {
  if (process.platform !== "linux") return undefined;
  const opened = openCgroupBase({ placement: "own", name: runGroupBase });
  if (opened.kind === "unavailable") return undefined;
  const found = listCgroups(opened.base).find(({ name }) => name === run);
  if (found === undefined) removeCgroupBase(opened.base);
  return found;
}

/** What to start. */
export interface GuestCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where its output goes: where ours goes, or into a descriptor. */
  readonly output: "inherit" | number;
  /** One stream is read here instead, line by line; its lines have all been taken when the guest has ended. */
  readonly read?: { readonly stream: "stdout" | "stderr"; readonly line: (text: string) => void } | undefined;
}

const longestLine = 2 ** 20;
/** Whoever keeps a guest's stream open after its end is not waited for. */
const lastWordsMs = 1000;

/** How a guest process ended. */
export interface GuestExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Guest {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity | undefined;
  readonly exit: Promise<GuestExit>;
}

/** Joins each group by itself, then becomes the program: no process of the run is ever outside. */
const joinThenRun = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';

/** Starts a process of the run, in its group, in a session of its own. @throws ConstellationError exec.failed */
export async function startGuest(command: GuestCommand, group: Cgroup | undefined): Promise<Guest> {
  const joins = (group?.joinTargets ?? []).map((target) =>
    target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`,
  );
  const [program, args] =
    joins.length === 0
      ? [command.program, command.args]
      : ["/bin/sh", ["-c", joinThenRun, "sh", ...joins, "--", command.program, ...command.args]];
  const child = spawn(program, args, {
    cwd: command.cwd,
    env: { ...command.environment },
    detached: true,
    stdio: [
      "ignore",
      ...(["stdout", "stderr"] as const).map((name) => (command.read?.stream === name ? "pipe" : command.output)),
    ],
  });
  const ended = new Promise<GuestExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 127, signal: null }));
  });
  const lines = command.read === undefined ? undefined : readLines(child[command.read.stream], command.read.line);
  const exit = lines === undefined ? ended : ended.then((how) => lines(lastWordsMs).then(() => how));
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(notStarted(command, cause)));
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  // Should the kernel have to choose before the guard does, it takes the run and not the guard.
  if (child.pid !== undefined) setOomScoreAdjustment(child.pid, 500);
  return { child, identity, exit };
}

/** Takes lines as they come. The function it gives waits for the end of the stream, not longer than it is told. */
function readLines(stream: Readable | null, take: (line: string) => void): (mostMs: number) => Promise<void> {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
    // One without an end is handed over in pieces.
    if (rest.length < longestLine) return;
    take(rest);
    rest = "";
  });
  const end = new Promise<void>((resolve) => void stream?.once("close", resolve));
  return async (mostMs) => {
    const limit = new AbortController();
    await Promise.race([end, sleep(mostMs, undefined, { signal: limit.signal }).catch(() => undefined)]);
    limit.abort();
    if (rest !== "") take(rest);
    rest = "";
  };
}

function notStarted({ program, args, cwd }: GuestCommand, cause: unknown): ConstellationError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new ConstellationError("exec.failed", `Cannot start ${[program, ...args].join(" ")} in ${cwd}: ${code}`, {
    cause,
    remedy: "Install the test framework in the project, or name another one with --framework.",
  });
}
