import { statSync } from "node:fs";
import { posix } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import type { DataFolder } from "../disk/data-folder.ts";
import type { Bind, LaunchRequest, MemoryFolder } from "../request.ts";
import { deviceSteps } from "./devices.ts";
import { mountAttributes, mountFlags, openFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { procSteps } from "./proc-tree.ts";
import { at, STAGING } from "./staging.ts";
import { steps } from "./steps.ts";

const { noSuid, noDev, noExec, readOnly } = mountFlags;

/** What programs expect to exist; empty unless something is mounted there. */
const emptyFolders = ["/dev", "/home", "/mnt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/var/empty"];

/** How mounts reach the inside: by path, or taken by the supervisor where the inside may not look. */
export interface Reach {
  bind(source: string, target: string, recursive: boolean): Step;
  image(image: string, target: string): Step;
}

/**
 * The private root: a small tree in memory with this machine's system folders bound into it, read-only. What is not
 * named does not exist inside. Built below {@link STAGING}, then made the root.
 */
export function rootSteps(request: LaunchRequest, host: HostFacts, reach: Reach): Step[] {
  const tree = new Tree();
  // Without privilege only whole trees can be bound: what is mounted below is locked to them (mount_namespaces(7)).
  const whole = request.user.kind === "namespace" && !host.privileged;
  const systemFolders = host.rootEntries.flatMap((entry) => (entry.kind === "visible" ? [`/${entry.name}`] : []));

  const skeleton = [
    ...host.rootEntries.flatMap((entry) =>
      entry.kind === "link" ? [steps.symlink(entry.target, at(`/${entry.name}`))] : tree.folder(`/${entry.name}`),
    ),
    ...emptyFolders.flatMap((path) => tree.folder(path)),
    steps.symlink("/tmp", at("/var/tmp")),
    steps.symlink("/run", at("/var/run")),
  ];
  tree.occupy(systemFolders);
  const { early, late } = arrange(placesOf(request, host, reach, whole), tree);
  return [
    steps.privateMounts(),
    steps.mount("tmpfs", STAGING, "tmpfs", noSuid | noDev, "size=1m,mode=755"),
    ...skeleton,
    ...early.points,
    ...systemFolders.map((path) => reach.bind(path, at(path), whole)),
    ...(whole ? [] : host.submounts.map((path) => reach.bind(path, at(path), false))),
    ...early.mounts,
    steps.restrict(STAGING, mountAttributes.readOnly | mountAttributes.noSuid | mountAttributes.noDev, true),
    ...deviceSteps(request, request.user.kind === "namespace"),
    ...procSteps(host),
    ...(request.isolation.sys === "read-only"
      ? [steps.mount("sysfs", at("/sys"), "sysfs", readOnly | noSuid | noDev | noExec, null)]
      : []),
    ...late,
    steps.pivot(STAGING),
    steps.leaveOldRoot(),
  ];
}

/** One mount of the request. */
interface Place {
  readonly path: string;
  readonly mount: Step;
  /** What the recursive restriction of the root has done already when it comes early. */
  readonly restriction: Step | null;
  readonly writable: boolean;
  /** A new file system, in which mount points can be made. */
  readonly fresh: boolean;
  /** Mounted on a file: a socket, too. */
  readonly file: boolean;
}

function placesOf(request: LaunchRequest, host: HostFacts, reach: Reach, whole: boolean): Place[] {
  const resolver = host.resolver === null ? [] : [{ source: host.resolver, writable: false }];
  return [
    ...[...resolver, ...request.binds].map((bind) => bindPlace(bind, reach, whole)),
    ...[{ path: "/tmp", bytes: request.tmpBytes }, ...request.memoryFolders].map(memoryPlace),
    ...(request.data === null ? [] : [dataPlace(request.data, reach, whole)]),
  ].sort((a, b) => a.path.length - b.path.length); // parents before what lies in them
}

function bindPlace(bind: Bind, reach: Reach, whole: boolean): Place {
  const path = posix.normalize(bind.target ?? bind.source);
  const attributes = mountAttributes.noSuid | mountAttributes.noDev | (bind.writable ? 0 : mountAttributes.readOnly);
  return {
    path,
    mount: reach.bind(bind.source, at(path), whole),
    restriction: steps.restrict(at(path), attributes, whole),
    writable: bind.writable,
    fresh: false,
    file: statSync(bind.source, { throwIfNoEntry: false })?.isDirectory() === false,
  };
}

function memoryPlace({ path, bytes }: MemoryFolder): Place {
  const mount = steps.mount("tmpfs", at(posix.normalize(path)), "tmpfs", noSuid | noDev, `size=${bytes},mode=1777`);
  return { path: posix.normalize(path), mount, restriction: null, writable: true, fresh: true, file: false };
}

function dataPlace(data: DataFolder, reach: Reach, whole: boolean): Place {
  if (data.kind === "memory") return memoryPlace({ path: data.target, bytes: data.bytes });
  if (data.kind === "folder")
    return bindPlace({ source: data.source, target: data.target, writable: true }, reach, whole);
  const path = posix.normalize(data.target);
  const restriction = steps.restrict(at(path), mountAttributes.noSuid | mountAttributes.noDev, false);
  return { path, mount: reach.image(data.image, at(path)), restriction, writable: true, fresh: false, file: false };
}

/**
 * Early are read-only binds into the bare root, which one recursive restriction covers; late is what stays writable,
 * and what lies in a file system that is mounted late.
 */
function arrange(places: readonly Place[], tree: Tree) {
  const early = { points: [] as Step[], mounts: [] as Step[] };
  const late: Step[] = [];
  const covers: string[] = [];
  for (const place of places) {
    const covered = covers.some((cover) => place.path.startsWith(`${cover}/`));
    (covered ? late : early.points).push(...tree.mountPoint(place.path, place.file));
    if (!covered && !place.writable) {
      early.mounts.push(place.mount);
      continue;
    }
    late.push(place.mount, ...(place.restriction === null ? [] : [place.restriction]));
    if (place.fresh) tree.renew(place.path);
    covers.push(place.path);
  }
  return { early, late };
}

/** Which folders of the new root exist already, so that each is made once. */
class Tree {
  readonly #made = new Set(["/"]);
  readonly #occupied = new Set<string>();

  folder(path: string): Step[] {
    if (this.#made.has(path)) return [];
    const parents = this.folder(posix.dirname(path));
    this.#made.add(path);
    return [...parents, steps.mkdir(at(path), 0o755)];
  }

  /** A place to mount on. Inside a bound folder it must exist in that folder already. */
  mountPoint(path: string, file: boolean): Step[] {
    const inside = this.#isOccupied(posix.dirname(path));
    this.#occupied.add(path);
    if (inside || this.#made.has(path)) return [];
    if (!file) return this.folder(path);
    this.#made.add(path);
    return [...this.folder(posix.dirname(path)), steps.writeFile(at(path), "", openFlags.create, 0o644)];
  }

  /** Folders that are bound: nothing can be made in them. */
  occupy(paths: readonly string[]): void {
    for (const path of paths) this.#occupied.add(path);
  }

  /** A folder that has become the root of a new, empty file system. */
  renew(path: string): void {
    this.#occupied.delete(path);
    this.#made.add(path);
  }

  #isOccupied(path: string): boolean {
    for (let part = path; part !== "/"; part = posix.dirname(part)) {
      if (this.#occupied.has(part)) return true;
      if (this.#made.has(part)) return false;
    }
    return false;
  }
}
