import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
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
import { tearDown, type TeardownReport } from "../teardown/teardown.ts";

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
 * Makes this process the only runner here, under a name of its own until its run is known. What a dead runner left
 * (processes, its control group) is torn down first.
 *
 * @throws ConstellationError state.conflict when another runner is alive, state.unavailable
 */
export async function takeOver(state: StateDirectory, run: string): Promise<TeardownReport | undefined> {
  const before = readHolder(state.path);
  if (before !== undefined && before.guard.pid !== process.pid && isProcessAlive(before.guard)) throw taken(before);
  const left =
    before === undefined
      ? undefined
      : await tearDown({
          run: before.run,
          cgroup: before.cgroup === undefined ? undefined : openCgroup(before.cgroup),
          leaders: [],
        });
  for (const flag of [state.drain, state.hold]) rmSync(flag, { force: true });
  if (before !== undefined) rmSync(holderPath(state), { force: true });
  hold(state, { run }, "wx");
  return left;
}

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
    linkSync(beside, path);
    rmSync(beside);
  } catch (cause) {
    rmSync(beside, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    const other = readHolder(state.path);
    if (code === "EEXIST" && other !== undefined) throw taken(other);
    throw unusable(state.path, cause);
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
  try {
    const read = JSON.parse(readFileOnly(holderPath({ path }))) as Partial<Holder>;
    const { guard, run, cgroup } = read;
    if (typeof guard?.pid !== "number" || typeof guard.startTicks !== "number" || typeof run !== "string")
      return undefined;
    return { guard, run, ...(cgroup === undefined ? {} : { cgroup }) };
  } catch {
    // Absent, or half written by a runner that died at once: nothing is known to be left.
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
