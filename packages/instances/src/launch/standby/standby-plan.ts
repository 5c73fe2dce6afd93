import { posix } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { checkRequest, fileSteps, prepareSteps, reachFor, socketSteps } from "../plan/build-plan.ts";
import { execStep } from "../plan/exec-step.ts";
import { FolderTree } from "../plan/folder-tree.ts";
import { cloneFlags, mountAttributes } from "../plan/linux.ts";
import { bindPlace, dataPlaces, memoryPlace, placeAll } from "../plan/places.ts";
import type { LaunchPlan } from "../plan/plan.ts";
import { closeRoot } from "../plan/root-tree.ts";
import { Slots } from "../plan/slots.ts";
import { steps } from "../plan/steps.ts";
import { privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import { lastUserSteps } from "../privileges/user-steps.ts";
import type { LaunchRequest } from "../request.ts";

/** Descriptors that a waiting program keeps free, from 3 on, for the sockets of what it will run. */
export const STANDBY_DESCRIPTORS = 16;

/** What a waiting program is told when its hour comes; sizes in bytes. Of the binds it has some already. Limits of its control group are the caller's. */
export type StandbyAssignment = Pick<
  LaunchRequest,
  "identity" | "instanceDir" | "log" | "binds" | "memoryFolders" | "data" | "sockets" | "files"
>;

const { readOnly, noSuid, noDev } = mountAttributes;

/**
 * The plan of a program that is executed ahead: a launch whose root stays open for what its assignment mounts there. The
 * program has its final user and no rights any more; it tells by the channel, descriptor 3, when it waits.
 *
 * @throws LaunchError INVALID_REQUEST, also for a request that leaves nothing to be done later by a supervisor: it needs
 *   a root daemon, and a root and a PID namespace of its own
 */
export function buildStandbyPlan(request: LaunchRequest, host: HostFacts): LaunchPlan {
  checkRequest(request, host);
  if (!host.privileged || !request.isolation.root || !request.isolation.pid)
    throw new LaunchError(
      `Cannot prepare ${request.identity.name}: a program that waits needs a root daemon, and a root and a PID namespace of its own`,
      { code: "INVALID_REQUEST" },
    );
  return {
    name: request.identity.name,
    steps: [
      ...prepareSteps(request, host, new Slots(), { staysOpen: true, received: [] }),
      // Nothing covers them as long as the root stays open.
      ...request.binds
        .filter(({ writable }) => !writable)
        .map(({ source, target = source }) =>
          steps.restrict(posix.normalize(target), readOnly | noSuid | noDev, false),
        ),
      steps.chdir(request.cwd),
      steps.init(),
      steps.newSession(),
      ...privilegeSteps(request, lastUserSteps(request, host)),
      steps.standBy(STANDBY_DESCRIPTORS),
      ...seccompSteps(request, host.architecture),
      execStep(request),
    ],
  };
}

/** What is known of a waiting program before anybody wants it. */
export interface Waiting {
  readonly request: LaunchRequest;
  /** Its root as it stands. */
  readonly tree: FolderTree;
}

/**
 * What is left to do for a waiting program: it is told first what it becomes, so that it can get ready while its supervisor
 * takes sockets and mounts and a thread that enters the program's namespaces places them. Then it gets the sockets and the
 * files in their order, and begins.
 *
 * @param paper what the program reads, as JSON. The tree is used up: there is one assignment for each
 */
export function buildBeginPlan(
  { request: waiting, tree }: Waiting,
  assignment: StandbyAssignment,
  paper: string,
): LaunchPlan {
  const { identity, log, data, memoryFolders } = assignment;
  const { isolation } = waiting;
  const there = new Set(waiting.binds.map(({ source, target = source }) => target));
  const binds = assignment.binds.filter(({ source, target = source }) => !there.has(target));
  const slots = new Slots();
  const sockets = socketSteps(assignment.sockets, slots);
  const { opened } = fileSteps(assignment.files ?? [], slots);
  const { taken, reach } = reachFor(slots, false);
  const site = { at: (path: string): string => path, reach, whole: false };
  const places = [
    ...binds.map((bind) => bindPlace(bind, site)),
    ...memoryFolders.map((folder) => memoryPlace(folder, site)),
    ...dataPlaces(data, site),
  ];
  const namespaces = cloneFlags.mount | (isolation.uts ? cloneFlags.uts : 0);
  return {
    name: identity.name,
    steps: [
      steps.tell(paper),
      ...(log === null ? [] : [steps.log(log)]),
      ...sockets.asked,
      ...opened,
      ...taken,
      steps.title(`${identity.name} (${assignment.instanceDir})`),
      steps.handOver(),
      steps.join(namespaces),
      ...placeAll(places, tree),
      closeRoot(),
      ...(isolation.uts ? [steps.hostname(identity.hostname)] : []),
      ...sockets.received,
      steps.begin(),
    ],
  };
}

/** The root of a program as it stands while it waits. */
export function openTree(waiting: LaunchRequest, host: HostFacts): FolderTree {
  const tree = new FolderTree((path) => path);
  tree.skeleton(host);
  for (const { target, source } of waiting.binds) tree.mountPoint(posix.normalize(target ?? source), false);
  tree.renew("/tmp");
  return tree;
}
