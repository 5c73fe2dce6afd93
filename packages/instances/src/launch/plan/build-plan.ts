import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { innerNetworkSteps, outerNetworkSteps } from "../network/network-steps.ts";
import { privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import type { LaunchRequest } from "../request.ts";
import { execStep } from "./exec-step.ts";
import { cloneFlags, openFlags } from "./linux.ts";
import type { LaunchPlan, Step } from "./plan.ts";
import { type Reach, rootSteps } from "./root-tree.ts";
import { Slots } from "./slots.ts";
import { steps } from "./steps.ts";

const SOCKET_TIMEOUT_MS = 5000;

/**
 * The plan of a launch: who does what in which order. Pure but for looking whether bind sources are files or folders.
 * @throws LaunchError INVALID_REQUEST when the request contradicts itself or this machine
 */
export function buildPlan(request: LaunchRequest, host: HostFacts): LaunchPlan {
  checkRequest(request, host);
  const slots = new Slots();
  const cgroups = cgroupSteps(request, slots);
  const sockets = socketSteps(request, slots);
  const ids = userSteps(request, host);
  const reach = reachFor(request, host, slots);
  const network = innerNetworkSteps(request.network);
  const root = request.isolation.root ? rootSteps(request, host, reach.reach) : [];
  const outer = [...ids.outer, ...outerNetworkSteps(request.network)];
  const waitsForIds = ids.outer.length > 0;
  const waiting = outer.length > 0 ? [steps.waitParent()] : [];

  return {
    name: request.identity.name,
    steps: [
      steps.supervise(request.instanceDir, request.startTimeoutMs, !request.isolation.pid),
      ...(request.log === null ? [] : [steps.log(request.log)]),
      ...cgroups.opened,
      ...sockets.received,
      ...reach.taken,
      steps.clone(namespaceFlags(request), cgroups.cloneInto, outer.length),
      ...outer,
      ...cgroups.joined,
      ...(waitsForIds ? waiting : []),
      ...ids.inner,
      ...(request.isolation.cgroup ? [steps.unshare(cloneFlags.cgroup)] : []),
      ...(request.isolation.uts ? [steps.hostname(request.identity.hostname)] : []),
      ...network.first,
      ...root,
      ...(waitsForIds ? [] : waiting),
      ...network.afterParent,
      steps.umask(0o022),
      steps.chdir(request.cwd),
      ...(request.isolation.pid ? [steps.init()] : []),
      steps.newSession(),
      ...privilegeSteps(request),
      ...sockets.passed,
      ...seccompSteps(request, host.architecture),
      execStep(request),
    ],
  };
}

function namespaceFlags({ isolation, network, user }: LaunchRequest): number {
  return (
    (isolation.pid ? cloneFlags.pid : 0) |
    (isolation.root ? cloneFlags.mount : 0) |
    (isolation.ipc ? cloneFlags.ipc : 0) |
    (isolation.uts ? cloneFlags.uts : 0) |
    (network.kind === "host" ? 0 : cloneFlags.network) |
    (user.kind === "namespace" ? cloneFlags.user : 0)
  );
}

function checkRequest(request: LaunchRequest, host: HostFacts): void {
  const { user, isolation, identity, network } = request;
  const refuse = (why: string): never => {
    throw new LaunchError(`Cannot start ${identity.name}: ${why}`, { code: "INVALID_REQUEST" });
  };
  if (request.argv.length === 0 || request.argv[0] === "") refuse("it has no command; give argv at least one word");
  if (!request.cwd.startsWith("/")) refuse(`working directory "${request.cwd}" is not absolute`);
  if (user.kind === "own" && !host.privileged)
    refuse(`user ${user.uid} needs a root daemon; let the instance use a user namespace`);
  if (user.kind === "own" && user.uid === 0)
    refuse("user 0 is not contained by namespaces; choose an unprivileged user or a user namespace");
  if (user.kind === "same" && host.uid === 0 && (isolation.root || isolation.dropCapabilities))
    refuse("it would run as root, which isolation does not contain; choose an own user or a user namespace");
  const namespaces = isolation.root || isolation.pid || isolation.ipc || isolation.uts || network.kind !== "host";
  if (namespaces && user.kind !== "namespace" && !host.privileged)
    refuse("namespaces need a root daemon or a user namespace; let the instance use one");
  if (network.kind === "private" && !host.privileged) refuse("a private network needs a root daemon");
  if (isolation.sys === "read-only" && network.kind === "host") refuse("a readable /sys needs a network of its own");
  if (isolation.seccomp !== "off" && !isolation.noNewPrivileges) refuse("a system call filter needs noNewPrivileges");
  if (!isolation.root && (request.data?.kind ?? "folder") !== "folder")
    refuse("a data folder in memory or in an image needs the private root (isolation.root)");
}

function cgroupSteps({ cgroups }: LaunchRequest, slots: Slots) {
  const lists = cgroups.filter((target) => target.kind === "tasks");
  const directory = cgroups.find((target) => target.kind === "directory");
  const joins = lists.map(({ path }) => ({ path, slot: slots.take(path) }));
  const cloneInto = directory === undefined ? null : slots.take(directory.path);
  return {
    opened: [
      ...joins.map(({ path, slot }) => steps.open(slot, path, openFlags.readWrite)),
      ...(directory === undefined || cloneInto === null
        ? []
        : [steps.open(cloneInto, directory.path, openFlags.readOnly)]),
      ...joins.slice(0, 1).map(({ path, slot }) => steps.killWith(slot, path, "tasks")),
    ],
    cloneInto,
    joined: joins.map(({ path, slot }) => steps.writeSlot(slot, "0", path)),
  };
}

function socketSteps({ sockets }: LaunchRequest, slots: Slots) {
  const taken = sockets.map((socket) => ({ ...socket, slot: slots.take(socket.socketFile) }));
  return {
    received: taken.map(({ slot, socketFile, request }) =>
      steps.receiveSocket(slot, socketFile, request, SOCKET_TIMEOUT_MS),
    ),
    passed: taken.map(({ slot, fd }) => steps.inherit(slot, fd)),
  };
}

/** A user namespace gets its ids from its parent when that is root, and may map only the caller's own otherwise. */
function userSteps({ user }: LaunchRequest, host: HostFacts): { readonly outer: Step[]; readonly inner: Step[] } {
  if (user.kind !== "namespace") return { outer: [], inner: [] };
  const uidMap = `${user.insideUid} ${user.outsideUid} 1`;
  const gidMap = `${user.insideGid} ${user.outsideGid} 1`;
  const become = steps.ids(user.insideUid, user.insideGid, []);
  if (host.privileged) return { outer: [steps.mapIds(uidMap, gidMap, false)], inner: [become] };
  return {
    outer: [],
    inner: [
      steps.writeFile("/proc/self/setgroups", "deny"),
      steps.writeFile("/proc/self/uid_map", uidMap),
      steps.writeFile("/proc/self/gid_map", gidMap),
      become,
    ],
  };
}

/**
 * In a user namespace made by root the inside is an unprivileged user already when it mounts, and cannot look into
 * folders that are private to others: the supervisor takes those mounts and the inside places them.
 */
function reachFor(
  request: LaunchRequest,
  host: HostFacts,
  slots: Slots,
): { readonly taken: Step[]; readonly reach: Reach } {
  const taken: Step[] = [];
  const byPath = !(request.user.kind === "namespace" && host.privileged);
  const reach: Reach = {
    bind: (source, target, recursive) => {
      if (byPath) return steps.bind(source, target, recursive);
      const slot = slots.take(source);
      taken.push(steps.tree(slot, source, recursive));
      return steps.place(slot, target, source);
    },
    image: (image, target) => {
      const slot = slots.take(image);
      taken.push(steps.image(slot, image, "ext4", 0));
      return steps.place(slot, target, image);
    },
  };
  return { taken, reach };
}
