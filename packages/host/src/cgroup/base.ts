import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf, HostError } from "../failure.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import type { Cgroup, CgroupLocation } from "./cgroup.ts";
import { detectCgroups, type CgroupLayout, type V1Controller } from "./layout.ts";
import type { CgroupLimits, UnenforceableLimit } from "./limits.ts";
import { enableControllers, prepareUnifiedParent } from "./v2/delegation.ts";
import { V1Cgroup } from "./v1/cgroup-v1.ts";
import { V2Cgroup } from "./v2/cgroup-v2.ts";

/** The directory (v2) or directories (v1) below which all our groups are made; plain data. */
export type CgroupBase =
  | { readonly version: 1; readonly directories: Readonly<Partial<Record<V1Controller, string>>> }
  | { readonly version: 2; readonly directory: string; readonly controllers: readonly string[] };

/** `unavailable` when groups cannot be made here: what is missing, and what the user can do. */
export type BaseOutcome =
  | { readonly kind: "ready"; readonly base: CgroupBase }
  | { readonly kind: "unavailable"; readonly missing: string; readonly remedy: string };

export interface BaseOptions {
  /** Directory name of the base. @default "constellation" */
  readonly name?: string;
  /**
   * `own`: below the group this process is in, so that its limits hold for all of ours too. `top`: at the top of the
   * v2 hierarchy, as Docker's cgroupfs driver does, so that the groups outlive the service that made them.
   * `auto`: `top` for root on cgroup v2, else `own`.
   * @default "auto"
   */
  readonly placement?: "own" | "top" | "auto";
  readonly roots?: HostRoots;
}

/** Finds or makes the base. On v2 this enables controllers, and may move this process to a leaf group `supervisor`. */
export function openCgroupBase(options: BaseOptions = {}): BaseOutcome {
  const name = checkName(options.name ?? "constellation");
  const layout = detectCgroups(options.roots ?? systemRoots);
  if (layout.kind === "none")
    return { kind: "unavailable", missing: layout.reason, remedy: "mount cgroup2 on /sys/fs/cgroup" };
  return layout.kind === "v2"
    ? openUnifiedBase(layout, name, options.placement ?? "auto")
    : openV1Base(layout, name, options.placement ?? "auto");
}

/** What became of a wish for a group: `unenforceable` leaves nothing behind unless `bestEffort` was asked for. */
export type CreateOutcome =
  | { readonly kind: "created"; readonly cgroup: Cgroup; readonly unenforced: readonly UnenforceableLimit[] }
  | { readonly kind: "unenforceable"; readonly limits: readonly UnenforceableLimit[] };

/**
 * Makes a fresh group below the base with its limits set, read back and verified.
 * @throws HostError name-invalid, limit-invalid, cgroup-exists, permission-denied, cgroup-failed
 */
export function createCgroup(
  base: CgroupBase,
  name: string,
  limits: CgroupLimits = {},
  options: { readonly bestEffort?: boolean } = {},
): CreateOutcome {
  checkName(name);
  const cgroup = createBelow(base, name);
  try {
    const verdict = cgroup.setLimits(limits);
    if (verdict.kind === "enforced") return { kind: "created", cgroup, unenforced: [] };
    if (options.bestEffort === true) return { kind: "created", cgroup, unenforced: verdict.limits };
    removeFresh(cgroup.location);
    return { kind: "unenforceable", limits: verdict.limits };
  } catch (error) {
    removeFresh(cgroup.location);
    throw error;
  }
}

/** Somebody may have removed the base while it was empty: it is made again as it was. */
function createBelow(base: CgroupBase, name: string): Cgroup {
  const create = (): Cgroup =>
    base.version === 1 ? createV1(base.directories, name) : V2Cgroup.create(name, `${base.directory}/${name}`);
  try {
    return create();
  } catch (error) {
    if (!(error instanceof HostError) || errnoOf(error.cause) !== "ENOENT") throw error;
    makeAgain(base);
    return create();
  }
}

function makeAgain(base: CgroupBase): void {
  const directories = base.version === 2 ? [base.directory] : Object.values(base.directories);
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  if (base.version === 2) enableControllers(base.directory);
}

/** Opens a group made earlier, perhaps by a daemon that has ended; undefined when it is gone. */
export function openCgroup(location: CgroupLocation): Cgroup | undefined {
  if (location.version === 2)
    return existsSync(location.directory) ? new V2Cgroup(location.name, location.directory) : undefined;
  const there = Object.entries(location.directories).filter(([, directory]) => existsSync(directory));
  return there.length === 0 ? undefined : new V1Cgroup(location.name, Object.fromEntries(there));
}

/** Every group below the base, also those that a dead daemon left half made. */
export function listCgroups(base: CgroupBase): CgroupLocation[] {
  if (base.version === 2)
    return namesIn(base.directory).map((name) => ({ version: 2, name, directory: `${base.directory}/${name}` }));
  const found = new Map<string, Record<string, string>>();
  for (const [controller, directory] of Object.entries(base.directories))
    for (const name of namesIn(directory))
      found.set(name, { ...found.get(name), [controller]: `${directory}/${name}` });
  return [...found].map(([name, directories]) => ({ version: 1, name, directories }));
}

/** Removes the base itself when no group is left below it; answers whether it is gone. */
export function removeCgroupBase(base: CgroupBase): boolean {
  const directories = base.version === 2 ? [base.directory] : Object.values(base.directories);
  let gone = true;
  for (const directory of new Set(directories)) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") gone = false;
    }
  }
  return gone;
}

function openUnifiedBase(
  layout: Extract<CgroupLayout, { kind: "v2" }>,
  name: string,
  placement: "own" | "top" | "auto",
): BaseOutcome {
  const prepared = prepareUnifiedParent(layout.unified, placement);
  if (prepared.kind === "unavailable") return prepared;
  const directory = `${prepared.parent}/${name}`;
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    return {
      kind: "unavailable",
      missing: `${directory} cannot be made (${errnoOf(error)})`,
      remedy: "run as root or in a delegated cgroup",
    };
  }
  return { kind: "ready", base: { version: 2, directory, controllers: prepared.enable(directory) } };
}

function openV1Base(
  layout: Extract<CgroupLayout, { kind: "v1" | "hybrid" }>,
  name: string,
  placement: "own" | "top" | "auto",
): BaseOutcome {
  const directories: Partial<Record<V1Controller, string>> = {};
  let refused = "";
  for (const [controller, hierarchy] of layout.hierarchies) {
    // A cpuset group takes no process before its cpus and mems are set, and we bind none.
    if (controller === "cpuset") continue;
    const parent = placement === "top" ? hierarchy.mountPoint : withoutBase(hierarchy.ownDirectory, name);
    try {
      mkdirSync(`${parent}/${name}`, { recursive: true });
      directories[controller] = `${parent}/${name}`;
    } catch (error) {
      refused = `${parent}/${name} cannot be made (${errnoOf(error)})`;
    }
  }
  if (Object.keys(directories).length > 0) return { kind: "ready", base: { version: 1, directories } };
  return {
    kind: "unavailable",
    missing: refused,
    remedy: "run as root, or on a machine with cgroup v2 and delegation",
  };
}

/** A process inside one of our own groups (a guarded run that opens a base) nests below it, a member of a base does not double it. */
function withoutBase(ownDirectory: string, name: string): string {
  return basename(ownDirectory) === name ? dirname(ownDirectory) : ownDirectory;
}

function createV1(base: Readonly<Partial<Record<V1Controller, string>>>, name: string): Cgroup {
  return V1Cgroup.create(
    name,
    Object.fromEntries(Object.entries(base).map(([controller, directory]) => [controller, `${directory}/${name}`])),
  );
}

function removeFresh(location: CgroupLocation): void {
  const directories = location.version === 2 ? [location.directory] : Object.values(location.directories);
  for (const directory of new Set(directories)) rmdirSync(directory);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,199}$/.test(name)) return name;
  throw new HostError(
    "name-invalid",
    `Cannot name a cgroup ${JSON.stringify(name)}: wanted 1 to 200 letters, digits and any of . _ : @ + - with a letter or digit first`,
  );
}
