import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  identifyProcess,
  isProcessAlive,
  openCgroup,
  type CgroupLocation,
  type ProcessIdentity,
} from "@constellation/host";
import { ConstellationError } from "@constellation/contract";
import { tearDown, type TeardownOptions } from "../teardown/teardown.ts";
import { findRunGroup } from "./guest.ts";

/** Where a project's guarded runs keep what they know. */
export interface StateDirectory {
  readonly path: string;
  readonly journal: string;
  readonly plan: string;
  readonly drain: string;
  readonly hold: string;
  readonly output: string;
  /** What the next run can expect. */
  readonly last: string;
}

/** Who runs here now, so that the next one can clean up after it. */
export interface Holder {
  readonly guard: ProcessIdentity;
  readonly run: string;
  readonly cgroup?: CgroupLocation;
}

/** Finds or makes the directory; it ignores itself in git. @throws ConstellationError state.unavailable */
export function openStateDirectory(path: string): StateDirectory {
  try {
    mkdirSync(path, { recursive: true });
    if (!existsSync(join(path, ".gitignore"))) writeFileSync(join(path, ".gitignore"), "*\n");
  } catch (cause) {
    throw unusable(path, cause);
  }
  return placesIn(path);
}

/** The same places without making anything. */
export function placesIn(path: string): StateDirectory {
  const at = (name: string): string => join(path, name);
  return {
    path,
    journal: at("journal.jsonl"),
    plan: at("plan"),
    drain: at("drain"),
    hold: at("hold"),
    output: at("output.log"),
    last: at("last.json"),
  };
}

/**
 * Makes this process the only runner here, under a name of its own until its run is known. Then what dead runners left
 * (processes, control groups) is torn down.
 *
 * @returns how many processes of dead runners were ended
 * @throws ConstellationError state.conflict when another runner is alive, state.unavailable
 */
export async function takeOver(
  state: StateDirectory,
  run: string,
  options: Pick<TeardownOptions, "containers"> = {},
): Promise<number> {
  const before = readHolder(state.path);
  if (before !== undefined && before.guard.pid !== process.pid && isProcessAlive(before.guard)) throw taken(before);
  setAside(state, before);
  hold(state, { run }, "wx");
  let swept = 0;
  // Also those that a runner set aside which died before it had cleaned up.
  for (const path of asides(state)) {
    const dead = readHolderAt(path);
    // Somebody is about to give it back.
    if (dead !== undefined && dead.guard.pid !== process.pid && isProcessAlive(dead.guard)) continue;
    if (dead !== undefined) {
      const group = dead.cgroup ?? findRunGroup(dead.run);
      const cgroup = group === undefined ? undefined : openCgroup(group);
      swept += (await tearDown({ run: dead.run, cgroup, leaders: [] }, options)).swept;
    }
    rmSync(path, { force: true });
  }
  for (const flag of [state.drain, state.hold]) rmSync(flag, { force: true });
  return swept;
}

/** Moves what a dead runner noted out of the way; of two that do so at once one moves the other's, and gives it back. */
function setAside(state: StateDirectory, before: Holder | undefined): void {
  const aside = `${holderPath(state)}.${randomUUID()}`;
  try {
    renameSync(holderPath(state), aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw unusable(state.path, error);
  }
  const moved = readHolderAt(aside);
  if (moved === undefined || moved.guard.pid === before?.guard.pid || !isProcessAlive(moved.guard)) return;
  renameSync(aside, holderPath(state));
  throw taken(moved);
}

const asides = (state: StateDirectory): string[] =>
  readdirSync(state.path)
    .filter((name) => /^holder\.json\.[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name))
    .map((name) => join(state.path, name));

function taken({ guard }: Holder): ConstellationError {
  return new ConstellationError("state.conflict", `Cannot run here: pid ${guard.pid} guards a run of this project`, {
    remedy: "Wait for it, or give this run a place of its own with --checkpoint.",
  });
}

/**
 * Notes where the run lives, for whoever comes after a crash of this process. `wx`: only where nobody is noted, so that of two
 * that start together one is refused. Written beside and put in place: nobody reads half of it.
 *
 * @throws ConstellationError state.conflict, state.unavailable
 */
export function hold(
  state: StateDirectory,
  { run, cgroup }: { run: string; cgroup?: CgroupLocation },
  how: "w" | "wx" = "w",
): void {
  const guard = identifyProcess(process.pid);
  if (guard === undefined) return;
  const holder: Holder = { guard, run, ...(cgroup === undefined ? {} : { cgroup }) };
  const path = holderPath(state);
  const beside = `${path}.${process.pid}`;
  try {
    writeFileSync(beside, JSON.stringify(holder));
    if (how === "w") return renameSync(beside, path);
    putWhereNothingIs(beside, path);
    rmSync(beside);
  } catch (cause) {
    rmSync(beside, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    const other = readHolder(state.path);
    if (code === "EEXIST" && other !== undefined) throw taken(other);
    throw unusable(state.path, cause);
  }
}

function putWhereNothingIs(beside: string, path: string): void {
  try {
    linkSync(beside, path);
  } catch (error) {
    // File systems of other machines (exFAT, shared folders) have no second names for a file.
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
    copyFileSync(beside, path, constants.COPYFILE_EXCL);
  }
}

/** What is said when nothing can be written where the checkpoint is to be. */
export function unusable(path: string, cause: unknown): ConstellationError {
  return new ConstellationError(
    "state.unavailable",
    `Cannot keep a checkpoint in ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
    { cause, remedy: "Free space, or name a directory that can be written with --checkpoint." },
  );
}

/** Leaves the place to others. */
export function release(state: StateDirectory): void {
  for (const path of [state.drain, state.hold, holderPath(state)]) rmSync(path, { force: true });
  rmSync(state.plan, { recursive: true, force: true });
}

const holderPath = ({ path }: Pick<StateDirectory, "path">): string => join(path, "holder.json");

/** Who runs with its state in this folder. */
export function readHolder(path: string): Holder | undefined {
  return readHolderAt(holderPath({ path }));
}

function readHolderAt(file: string): Holder | undefined {
  try {
    const read = JSON.parse(readFileOnly(file)) as Partial<Holder>;
    const { guard, run, cgroup } = read;
    if (typeof guard?.pid !== "number" || typeof guard.startTicks !== "number" || typeof run !== "string")
      return undefined;
    return { guard, run, ...(cgroup === undefined ? {} : { cgroup }) };
  } catch {
    // Absent, or emptied by a power cut: nothing is known to be left.
    return undefined;
  }
}

/** Far more than is ever written there. */
const mostHolderBytes = 64 * 1024;

/**
 * A file's text. The path may be one that any process says is its own: a FIFO there would hold us up for ever.
 *
 * @throws Error of the system, and Error when it is something else than a file, or large
 */
function readFileOnly(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > mostHolderBytes) throw new Error(`${path} is no file that a run has left`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}
