import type { HostFacts } from "../host-facts.ts";
import { userComesFirst } from "../privileges/user-steps.ts";
import type { LaunchRequest } from "../request.ts";
import { deviceSteps } from "./devices.ts";
import { FolderTree } from "./folder-tree.ts";
import { mountAttributes, mountFlags } from "./linux.ts";
import { arrange, bindPlace, dataPlaces, memoryPlace, type Reach, type Site } from "./places.ts";
import type { Step } from "./plan.ts";
import { procSteps } from "./proc-tree.ts";
import { at, STAGING } from "./staging.ts";
import { steps } from "./steps.ts";

const { noSuid, noDev, noExec, readOnly } = mountFlags;
const readOnlyFiles = mountAttributes.readOnly | mountAttributes.noSuid | mountAttributes.noDev;

export type RootRequest = Pick<
  LaunchRequest,
  "isolation" | "user" | "binds" | "memoryFolders" | "data" | "tmpBytes" | "sharedMemoryBytes"
>;

/**
 * The private root: a small tree in memory with this machine's system folders bound into it, read-only. What is not
 * named does not exist inside. Built below {@link STAGING}, then made the root. With `staysOpen`, mount points can
 * still be made in it, until {@link closeRoot}.
 */
export function rootSteps(request: RootRequest, host: HostFacts, reach: Reach, staysOpen: boolean): Step[] {
  const site: Site = { at, reach, whole: userComesFirst(request.user, host) };
  const { whole } = site;
  const systemFolders = host.rootEntries.flatMap((entry) => (entry.kind === "visible" ? [`/${entry.name}`] : []));
  const resolver = host.resolver === null ? [] : [{ source: host.resolver, writable: false }];
  const tree = new FolderTree(at);
  const skeleton = tree.skeleton(host);
  const { early, late } = arrange(
    [
      ...[...resolver, ...request.binds].map((bind) => bindPlace(bind, site)),
      ...[{ path: "/tmp", bytes: request.tmpBytes }, ...request.memoryFolders].map((each) => memoryPlace(each, site)),
      ...dataPlaces(request.data, site),
    ],
    tree,
  );
  return [
    steps.privateMounts(),
    steps.mount("tmpfs", STAGING, "tmpfs", noSuid | noDev, "size=1m,mode=755"),
    ...skeleton,
    ...early.points,
    ...systemFolders.map((path) => reach.bind(path, at(path), whole)),
    ...(whole ? [] : host.submounts.map((path) => reach.bind(path, at(path), false))),
    ...early.mounts,
    ...(staysOpen
      ? systemFolders.map((path) => steps.restrict(at(path), readOnlyFiles, true))
      : [steps.restrict(STAGING, readOnlyFiles, true)]),
    ...deviceSteps(request, whole),
    ...procSteps(host, { staysOpen, fromMachine: whole && !request.isolation.pid }),
    ...(request.isolation.sys === "read-only"
      ? [steps.mount("sysfs", at("/sys"), "sysfs", readOnly | noSuid | noDev | noExec, null)]
      : []),
    ...late,
    steps.pivot(STAGING),
    steps.leaveOldRoot(),
  ];
}

/** Makes the root of a slot read-only once everything has its place. */
export function closeRoot(): Step {
  return steps.restrict("/", readOnlyFiles, false);
}
