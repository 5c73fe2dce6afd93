import { statSync } from "node:fs";
import { posix } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import type { Bind, LaunchRequest } from "../request.ts";
import { deviceSteps } from "./devices.ts";
import { mountAttributes, mountFlags } from "./linux.ts";
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
  const inNamespace = request.user.kind === "namespace";
  const readable = request.binds.filter((bind) => !bind.writable);
  const writable = request.binds.filter((bind) => bind.writable);
  const systemFolders = host.rootEntries.flatMap((entry) => (entry.kind === "visible" ? [`/${entry.name}`] : []));

  const skeleton = [
    ...host.rootEntries.flatMap((entry) =>
      entry.kind === "link" ? [steps.symlink(entry.target, at(`/${entry.name}`))] : tree.folder(`/${entry.name}`),
    ),
    ...emptyFolders.flatMap((path) => tree.folder(path)),
    steps.symlink("/tmp", at("/var/tmp")),
    steps.symlink("/run", at("/var/run")),
    ...(host.resolver === null ? [] : tree.file(host.resolver)),
  ];
  // Without privilege only whole trees can be bound: what is mounted below is locked to them (mount_namespaces(7)).
  const whole = inNamespace && !host.privileged;
  const system = [
    ...systemFolders.map((path) => reach.bind(path, at(path), whole)),
    ...(whole ? [] : host.submounts.map((path) => reach.bind(path, at(path), false))),
    ...(host.resolver === null ? [] : [reach.bind(host.resolver, at(host.resolver), false)]),
  ];
  tree.bound(systemFolders);
  const targets = [
    ...request.binds.map(targetOf),
    ...request.memoryFolders.map((folder) => folder.path),
    ...(request.data === null ? [] : [request.data.target]),
  ];
  const ordered = (binds: readonly Bind[]) => [...binds].sort((a, b) => targetOf(a).length - targetOf(b).length);
  return [
    steps.privateMounts(),
    steps.mount("tmpfs", STAGING, "tmpfs", noSuid | noDev, "size=1m,mode=755"),
    ...skeleton,
    ...targets.sort((a, b) => a.length - b.length).flatMap((path) => tree.mountPoint(path, request.binds)),
    ...system,
    ...ordered(readable).map((bind) => reach.bind(bind.source, at(targetOf(bind)), whole)),
    steps.restrict(STAGING, mountAttributes.readOnly | mountAttributes.noSuid | mountAttributes.noDev, true),
    steps.mount("tmpfs", at("/tmp"), "tmpfs", noSuid | noDev, `size=${request.tmpBytes},mode=1777`),
    ...deviceSteps(request, inNamespace),
    ...procSteps(host),
    ...(request.isolation.sys === "read-only"
      ? [steps.mount("sysfs", at("/sys"), "sysfs", readOnly | noSuid | noDev | noExec, null)]
      : []),
    ...ordered(writable).flatMap((bind) => [
      reach.bind(bind.source, at(targetOf(bind)), whole),
      steps.restrict(at(targetOf(bind)), mountAttributes.noSuid | mountAttributes.noDev, whole),
    ]),
    ...request.memoryFolders.map((folder) =>
      steps.mount("tmpfs", at(folder.path), "tmpfs", noSuid | noDev, `size=${folder.bytes},mode=1777`),
    ),
    ...dataSteps(request, reach, whole),
    steps.pivot(STAGING),
    steps.leaveOldRoot(),
  ];
}

function targetOf(bind: Bind): string {
  return posix.normalize(bind.target ?? bind.source);
}

function dataSteps({ data }: LaunchRequest, reach: Reach, whole: boolean): Step[] {
  if (data === null) return [];
  const place = at(posix.normalize(data.target));
  if (data.kind === "memory")
    return [steps.mount("tmpfs", place, "tmpfs", noSuid | noDev, `size=${data.bytes},mode=1777`)];
  if (data.kind === "image") return [reach.image(data.image, place)];
  return [
    reach.bind(data.source, place, whole),
    steps.restrict(place, mountAttributes.noSuid | mountAttributes.noDev, whole),
  ];
}

/** Whether a bind needs a file to be mounted on: a socket, too, is mounted on a file. */
function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isDirectory();
}

/** Which folders of the new root exist already, so that each is made once. */
class Tree {
  readonly #made = new Set(["/"]);
  readonly #bound: string[] = [];

  folder(path: string): Step[] {
    if (this.#made.has(path)) return [];
    const parents = this.folder(posix.dirname(path));
    this.#made.add(path);
    return [...parents, steps.mkdir(at(path), 0o755)];
  }

  file(path: string): Step[] {
    if (this.#made.has(path)) return [];
    const parents = this.folder(posix.dirname(path));
    this.#made.add(path);
    return [...parents, steps.writeFile(at(path), "", 0o100, 0o644)];
  }

  bound(paths: readonly string[]): void {
    this.#bound.push(...paths);
  }

  /** A place to mount on. Inside a folder that is bound it must exist in that folder already. */
  mountPoint(path: string, binds: readonly Bind[]): Step[] {
    if (this.#bound.some((parent) => path.startsWith(`${parent}/`))) return [];
    const bind = binds.find((each) => targetOf(each) === path);
    const made = bind !== undefined && isFile(bind.source) ? this.file(path) : this.folder(path);
    this.#bound.push(path);
    return made;
  }
}
