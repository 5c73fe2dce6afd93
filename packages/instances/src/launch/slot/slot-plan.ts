import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { checkRequest, prepareSteps, type PreparedRequest, reachFor, socketSteps } from "../plan/build-plan.ts";
import { execStep } from "../plan/exec-step.ts";
import { FolderTree } from "../plan/folder-tree.ts";
import { bindPlace, dataPlaces, memoryPlace, placeAll } from "../plan/places.ts";
import type { LaunchPlan } from "../plan/plan.ts";
import { closeRoot } from "../plan/root-tree.ts";
import { Slots } from "../plan/slots.ts";
import { steps } from "../plan/steps.ts";
import { privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import { lastUserSteps } from "../privileges/user-steps.ts";
import type { InstanceUser, LaunchRequest } from "../request.ts";

/** An instance prepared ahead: namespaces, root, network and cgroup are there, the command is not known yet. */
export type SlotRequest = Pick<
  LaunchRequest,
  | "instanceDir"
  | "isolation"
  | "memoryFolders"
  | "tmpBytes"
  | "sharedMemoryBytes"
  | "cgroups"
  | "network"
  | "startTimeoutMs"
> & { readonly name: string; readonly log: NonNullable<LaunchRequest["log"]> };

/** What a slot is told when its hour comes. Limits of its cgroups are rewritten by the caller. */
export type SlotAssignment = Pick<
  LaunchRequest,
  "identity" | "instanceDir" | "argv" | "env" | "cwd" | "binds" | "data" | "sockets" | "rlimits"
> & {
  readonly user: Exclude<InstanceUser, { kind: "same" }>;
  /** Further ones than the slot has. @default none */
  readonly memoryFolders?: LaunchRequest["memoryFolders"];
  /** @default the slot's own log */
  readonly log?: NonNullable<LaunchRequest["log"]>;
};

/** Nobody runs as this user: the assignment names the real one. */
const someUser = { kind: "own", uid: 65_534, gid: 65_534, groups: [] } as const;

/**
 * The plan of a slot: a launch up to its command.
 * @throws LaunchError INVALID_REQUEST, also when this machine cannot hold slots: they need a root daemon
 */
export function buildSlotPlan(slot: SlotRequest, host: HostFacts): LaunchPlan {
  const request: PreparedRequest = {
    ...slot,
    identity: { name: slot.name, hostname: "slot" },
    user: someUser,
    binds: [],
    data: null,
  };
  checkRequest(request, host);
  if (!slot.isolation.root || !slot.isolation.pid)
    throw new LaunchError(`Cannot prepare ${slot.name}: a slot needs a root and a PID namespace of its own`, {
      code: "INVALID_REQUEST",
    });
  return {
    name: slot.name,
    steps: [
      ...prepareSteps(request, host, new Slots(), { staysOpen: true, received: [] }),
      steps.init(),
      steps.newSession(),
      steps.waitPlan(),
    ],
  };
}

/** The rest of the plan: what only the command makes known. */
export function buildAssignPlan(slot: SlotRequest, assignment: SlotAssignment, host: HostFacts): LaunchPlan {
  const { identity, argv, env, cwd, binds, data, user, memoryFolders = [] } = assignment;
  const slots = new Slots();
  const sockets = socketSteps(assignment.sockets, slots);
  const { taken, reach } = reachFor(slots, false);
  const site = { at: inPlace, reach, whole: false };
  const tree = new FolderTree(inPlace, bareTree(host));
  // What the slot mounted already counts as there.
  for (const folder of [{ path: "/tmp", bytes: 0 }, ...slot.memoryFolders]) placeAll([memoryPlace(folder, site)], tree);
  const places = placeAll(
    [
      ...binds.map((bind) => bindPlace(bind, site)),
      ...memoryFolders.map((folder) => memoryPlace(folder, site)),
      ...dataPlaces(data, site),
    ],
    tree,
  );
  const request = { isolation: slot.isolation, user, rlimits: assignment.rlimits };
  return {
    name: identity.name,
    steps: [
      ...(assignment.log === undefined ? [] : [steps.log(assignment.log)]),
      ...sockets.asked,
      ...taken,
      steps.title(`${identity.name} (${assignment.instanceDir})`),
      ...sockets.received,
      steps.handOver(),
      ...places,
      closeRoot(),
      ...(slot.isolation.uts ? [steps.hostname(identity.hostname)] : []),
      steps.chdir(cwd),
      ...privilegeSteps(request, lastUserSteps(request, host)),
      ...sockets.passed,
      ...seccompSteps(request, host.architecture),
      execStep({ argv, env }),
    ],
  };
}

/** A slot has its root already. */
const inPlace = (path: string): string => path;

const bareTrees = new WeakMap<HostFacts, FolderTree>();

/** The folders that every root on this machine has. */
function bareTree(host: HostFacts): FolderTree {
  const known = bareTrees.get(host);
  if (known !== undefined) return known;
  const tree = new FolderTree(inPlace);
  tree.skeleton(host);
  bareTrees.set(host, tree);
  return tree;
}
