import { statSync } from "node:fs";
import { posix } from "node:path";
import { type AppSpec, ConstellationError } from "@constellation/contract";
import type { HostFacts } from "../launch/index.ts";
import { inside } from "./folders.ts";
import { howToKeepRoot } from "./own-root.ts";

type Mounts = Pick<AppSpec, "name" | "folder" | "mounts" | "isolation">;

/** What else is at a path of the instance; `source` is where this machine has it, null where it has nothing to look at. */
interface Place {
  readonly path: string;
  readonly source: string | null;
  readonly what: string;
  /** Nothing else can be at its very path. */
  readonly keeps: boolean;
}

/** Why a mount cannot be, and what to do. */
type Refusal = readonly [why: string, remedy: string];
const elsewhere = "Mount it on another path.";

/**
 * Checks that each mount of a spec can be where the spec wants it. In what is bound no mount point can be made: it must be
 * there already.
 *
 * @param ownRoot whether instances have a file tree of their own
 * @throws ConstellationError `spec.invalid`, `isolation.unavailable`
 */
export function checkMountTargets(
  spec: Mounts,
  ownRoot: boolean,
  { rootEntries }: Pick<HostFacts, "rootEntries">,
  action: "apply" | "start" = "apply",
): void {
  for (const mount of spec.mounts) {
    const { source, target } = mount;
    if (!ownRoot) refuseWithoutRoot(`Cannot ${action} ${spec.name}`, mount, spec.isolation);
    const others = spec.mounts.filter((each) => each !== mount);
    const refusal = ownRoot ? whyNot(plain(target), source, placesOf(spec.folder, others, rootEntries)) : null;
    if (refusal === null) continue;
    const [why, remedy] = refusal;
    throw new ConstellationError(
      "spec.invalid",
      `Cannot ${action} ${spec.name}: ${source} cannot be mounted on ${target}: ${why}`,
      { remedy, details: { source, target } },
    );
  }
}

/** An instance in the file tree of the machine sees everything where it is, and may write what its user may write. */
function refuseWithoutRoot(
  cannot: string,
  { source, target, readOnly }: Mounts["mounts"][number],
  isolation: Mounts["isolation"],
): void {
  if (source === target && !readOnly) return;
  const why =
    source === target
      ? `${source} cannot be read-only without a file tree of its own`
      : `${source} cannot be shown at ${target} without a file tree of its own`;
  const instead = [
    ...(source === target ? [] : ["use the same path"]),
    ...(readOnly ? ["say readOnly: false for the mount"] : []),
  ];
  throw new ConstellationError("isolation.unavailable", `${cannot}: ${why}`, {
    remedy: `${howToKeepRoot(isolation)}, or ${instead.join(" and ")}.`,
    details: { source, target },
  });
}

function whyNot(path: string, source: string, places: readonly Place[]): Refusal | null {
  const kind = kindAt(source);
  // That it is missing is told elsewhere.
  if (kind === null) return null;
  if (kind === "device")
    return [
      "devices cannot be mounted",
      "Remove the mount; each instance has a /dev of its own, with /dev/null and its like.",
    ];
  if (path === "/") return ["that is the whole file tree of the instance", "Mount it on a folder below."];
  if (within(path, "/proc") || (path !== "/dev" && within(path, "/dev")))
    return [`/${path.split("/")[1]} is made for each instance`, elsewhere];
  const same = places.find(
    (each) => each.path === path && (each.keeps || (each.source !== null && kindAt(each.source) !== kind)),
  );
  if (same !== undefined) return [`${same.what} is there${same.keeps ? "" : `, and no ${kind}`}`, elsewhere];
  const covered = places.find((each) => within(each.path, path) && kindAt(leads(path, source, each.path)) === null);
  if (covered !== undefined) return [`it would cover ${covered.what}`, elsewhere];
  const around = places
    .filter((each) => each.path !== path && within(path, each.path))
    .reduce<Place | null>(deeper, null);
  if (around === null || (around.source !== null && kindAt(leads(around.path, around.source, path)) === kind))
    return null;
  return [
    `it lies in ${around.what}, where no such ${kind} is`,
    `Mount it on a ${kind} that is there, or on a path of its own, such as /srv/${posix.basename(path)}.`,
  ];
}

function placesOf(folder: string | null, mounts: Mounts["mounts"], rootEntries: HostFacts["rootEntries"]): Place[] {
  const own = { source: null, keeps: false };
  return [
    ...rootEntries.map(({ name }) => ({
      ...own,
      path: `/${name}`,
      source: `/${name}`,
      what: `this machine's /${name}`,
    })),
    ...(folder === null ? [] : [{ ...own, path: plain(folder), source: folder, what: `the app's folder ${folder}` }]),
    { ...own, path: inside.data, what: `the data folder ${inside.data}`, keeps: true },
    { ...own, path: inside.sockets, what: `the platform's ${inside.sockets}`, keeps: true },
    ...mounts.map(({ source, target }) => ({
      path: plain(target),
      source,
      what: `the mount on ${target}`,
      keeps: true,
    })),
  ];
}

const plain = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, "");
const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
const deeper = (best: Place | null, each: Place): Place =>
  best === null || each.path.length >= best.path.length ? each : best;

/** Where on this machine a path of the instance lies, when `source` is mounted on `at`. */
const leads = (at: string, source: string, path: string): string => posix.join(source, posix.relative(at, path));

function kindAt(path: string): "folder" | "file" | "device" | null {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return null;
  if (info.isDirectory()) return "folder";
  // What is mounted is mounted without devices (nodev): opening one would fail whatever it is.
  return info.isCharacterDevice() || info.isBlockDevice() ? "device" : "file";
}
