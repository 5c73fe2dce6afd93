import { statSync } from "node:fs";
import { posix } from "node:path";
import type { DataFolder } from "../disk/data-folder.ts";
import type { Bind, MemoryFolder } from "../request.ts";
import type { FolderTree } from "./folder-tree.ts";
import { mountAttributes, mountFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { steps } from "./steps.ts";

/** How mounts reach the inside: by path, or taken by the supervisor where the inside may not look. */
export interface Reach {
  bind(source: string, target: string, recursive: boolean): Step;
  image(image: string, target: string): Step;
}

/** Where and how mounts are made. */
export interface Site {
  readonly at: (path: string) => string;
  readonly reach: Reach;
  /** Without privilege only whole trees can be bound: what is mounted below is locked to them (mount_namespaces(7)). */
  readonly whole: boolean;
}

/** One mount of a request. */
export interface Place {
  readonly path: string;
  readonly mount: Step;
  /** Nothing to add for a file system that was mounted with its restrictions. */
  readonly restriction: Step | null;
  readonly writable: boolean;
  /** A new file system, in which mount points can be made. */
  readonly fresh: boolean;
  /** Mounted on a file: a socket, too. */
  readonly file: boolean;
}

const harmless = mountAttributes.noSuid | mountAttributes.noDev;

export function bindPlace(bind: Bind, { at, reach, whole }: Site): Place {
  const path = posix.normalize(bind.target ?? bind.source);
  return {
    path,
    mount: reach.bind(bind.source, at(path), whole),
    restriction: steps.restrict(at(path), harmless | (bind.writable ? 0 : mountAttributes.readOnly), whole),
    writable: bind.writable,
    fresh: false,
    file: bind.folder !== true && statSync(bind.source, { throwIfNoEntry: false })?.isDirectory() === false,
  };
}

export function memoryPlace({ path: target, bytes }: MemoryFolder, { at }: Site): Place {
  const path = posix.normalize(target);
  const mount = steps.mount(
    "tmpfs",
    at(path),
    "tmpfs",
    mountFlags.noSuid | mountFlags.noDev,
    `size=${bytes},mode=1777`,
  );
  return { path, mount, restriction: null, writable: true, fresh: true, file: false };
}

export function dataPlaces(data: DataFolder | null, site: Site): Place[] {
  if (data === null) return [];
  if (data.kind === "memory") return [memoryPlace({ path: data.target, bytes: data.bytes }, site)];
  if (data.kind === "folder")
    return [bindPlace({ source: data.source, target: data.target, writable: true, folder: true }, site)];
  const path = posix.normalize(data.target);
  const restriction = steps.restrict(site.at(path), harmless, false);
  return [
    {
      path,
      mount: site.reach.image(data.image, site.at(path)),
      restriction,
      writable: true,
      fresh: false,
      file: false,
    },
  ];
}

/**
 * The order in which places are mounted, parents before what lies in them. Early are read-only binds into the bare
 * root, which one recursive restriction will cover; late is what stays writable, and what lies in such a place.
 */
export function arrange(places: readonly Place[], tree: FolderTree) {
  const early = { points: [] as Step[], mounts: [] as Step[] };
  const late: Step[] = [];
  const covers: string[] = [];
  for (const place of inOrder(places)) {
    const covered = covers.some((cover) => place.path.startsWith(`${cover}/`));
    (covered ? late : early.points).push(...tree.mountPoint(place.path, place.file));
    if (!covered && !place.writable) {
      early.mounts.push(place.mount);
      continue;
    }
    late.push(...placed(place, tree));
    covers.push(place.path);
  }
  return { early, late };
}

/** Mounts places one after the other into a root that is in use already. */
export function placeAll(places: readonly Place[], tree: FolderTree): Step[] {
  return inOrder(places).flatMap((place) => [...tree.mountPoint(place.path, place.file), ...placed(place, tree)]);
}

function placed(place: Place, tree: FolderTree): Step[] {
  if (place.fresh) tree.renew(place.path);
  return [place.mount, ...(place.restriction === null ? [] : [place.restriction])];
}

function inOrder(places: readonly Place[]): readonly Place[] {
  return places.toSorted((a, b) => a.path.length - b.path.length);
}
