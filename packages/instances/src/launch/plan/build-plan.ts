import { existsSync } from "node:fs";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { networkSteps } from "../network/network-steps.ts";
import { expendableSteps, privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import { firstUserSteps, lastUserSteps, userComesFirst } from "../privileges/user-steps.ts";
import type { InheritedSocket } from "../../ports/environment.ts";
import type { InheritedFile, LaunchRequest } from "../request.ts";
import { execStep } from "./exec-step.ts";
import { cloneFlags, openFlags } from "./linux.ts";
import type { LaunchPlan, Step } from "./plan.ts";
import type { Reach } from "./places.ts";
import { rootSteps } from "./root-tree.ts";
import { Slots } from "./slots.ts";
import { steps } from "./steps.ts";

const SOCKET_TIMEOUT_MS = 5000;

/**
 * The plan of a launch: who does what in which order. Pure but for looking whether bind sources are files or folders.
 * @throws LaunchError INVALID_REQUEST when the request contradicts itself or this machine
 */
export function buildPlan(request: LaunchRequest, host: HostFacts): LaunchPlan {
  if (request.argv.length === 0 || request.argv[0] === "")
    refuse(request, "it has no command; give argv at least one word");
  if (!request.cwd.startsWith("/")) refuse(request, `working directory "${request.cwd}" is not absolute`);
  checkRequest(request, host);
  const slots = new Slots();
  const sockets = socketSteps(request.sockets, slots);
  const files = fileSteps(request.files ?? [], slots);
  const received = [...sockets.asked, ...files.opened, ...sockets.received];
  const prepared = prepareSteps(request, host, slots, { staysOpen: false, received });
  return {
    name: request.identity.name,
    steps: [
      ...prepared,
      steps.chdir(request.cwd),
      ...(request.isolation.pid ? [steps.init()] : []),
      steps.newSession(),
      ...privilegeSteps(request, lastUserSteps(request, host)),
      ...sockets.passed,
      ...files.passed,
      ...seccompSteps(request, host.architecture),
      execStep(request),
    ],
  };
}

/** What a launch needs to know before it knows its command. */
export type PreparedRequest = Omit<LaunchRequest, "argv" | "env" | "cwd" | "sockets" | "files" | "rlimits">;

/** Everything up to the point where only the command is missing. */
export function prepareSteps(
  request: PreparedRequest,
  host: HostFacts,
  slots: Slots,
  { staysOpen, received }: { readonly staysOpen: boolean; readonly received: readonly Step[] },
): Step[] {
  const cgroups = cgroupSteps(request, slots);
  const userFirst = userComesFirst(request.user, host);
  const network = networkSteps(request.network, userFirst, slots);
  const { taken, reach } = reachFor(slots, true);
  const root = request.isolation.root ? rootSteps(request, host, reach, staysOpen) : [];
  const { beside } = network;
  const wait = beside.length > 0 ? [steps.waitParent()] : [];
  // The network is needed at once for its view in /sys; otherwise the wait comes last, when it is short.
  const waitsFirst = request.isolation.sys === "read-only";
  return [
    steps.supervise(request.instanceDir, request.startTimeoutMs, !request.isolation.pid),
    ...(request.log === null ? [] : [steps.log(request.log)]),
    ...cgroups.opened,
    ...received,
    ...network.before,
    ...taken,
    steps.clone(namespaceFlags(request, userFirst) | network.cloneFlags, cgroups.cloneInto, beside.length),
    ...beside,
    ...cgroups.joined,
    ...expendableSteps(host),
    ...(waitsFirst ? wait : []),
    ...firstUserSteps(request.user, host),
    ...(request.isolation.cgroup ? [steps.unshare(cloneFlags.cgroup)] : []),
    ...(request.isolation.uts ? [steps.hostname(request.identity.hostname)] : []),
    ...network.first,
    ...(waitsFirst ? network.afterParent : []),
    ...root,
    steps.umask(0o022),
    ...(request.isolation.dropCapabilities ? [steps.bounding(0n)] : []),
    ...(waitsFirst ? [] : [...wait, ...network.afterParent]),
  ];
}

function namespaceFlags({ isolation }: PreparedRequest, userFirst: boolean): number {
  return (
    (isolation.pid ? cloneFlags.pid : 0) |
    (isolation.root ? cloneFlags.mount : 0) |
    (isolation.ipc ? cloneFlags.ipc : 0) |
    (isolation.uts ? cloneFlags.uts : 0) |
    (userFirst ? cloneFlags.user : 0)
  );
}

function refuse({ identity }: Pick<LaunchRequest, "identity">, why: string): never {
  throw new LaunchError(`Cannot start ${identity.name}: ${why}`, { code: "INVALID_REQUEST" });
}

/** @throws LaunchError INVALID_REQUEST */
export function checkRequest(request: PreparedRequest, host: HostFacts): void {
  const { user, isolation, network } = request;
  if (user.kind === "own" && !host.changesUsers)
    refuse(request, `user ${user.uid} needs a root daemon; let the instance use a user namespace`);
  if (user.kind === "own" && user.uid === 0)
    refuse(request, "user 0 is not contained by namespaces; choose an unprivileged user or a user namespace");
  if (user.kind === "same" && host.uid === 0 && (isolation.root || isolation.dropCapabilities))
    refuse(request, "it would run as root, which isolation does not contain; choose an own user or a user namespace");
  const namespaces = isolation.root || isolation.pid || isolation.ipc || isolation.uts || network.kind !== "host";
  if (namespaces && user.kind !== "namespace" && !host.privileged)
    refuse(request, "namespaces need a root daemon or a user namespace; let the instance use one");
  if (network.kind === "private" && !host.privileged) refuse(request, "a private network needs a root daemon");
  if (request.data?.kind === "image" && !host.privileged)
    refuse(request, "a data folder in a disk image needs a root daemon");
  if (isolation.sys === "read-only" && network.kind === "host")
    refuse(request, "a readable /sys needs a network of its own");
  if (isolation.seccomp !== "off" && !isolation.noNewPrivileges)
    refuse(request, "a system call filter needs noNewPrivileges");
  if ((isolation.ownSockets || isolation.ownSignals) && !isolation.noNewPrivileges)
    refuse(request, "keeping it to its own sockets and signals needs noNewPrivileges");
  if (!isolation.root && (request.data?.kind ?? "folder") !== "folder")
    refuse(request, "a data folder in memory or in an image needs the private root (isolation.root)");
}

/** Where there is no PID namespace whose init could be killed, the supervisor keeps a way to reach the whole group. */
function cgroupSteps({ cgroups, isolation }: PreparedRequest, slots: Slots) {
  const joins = cgroups.filter(({ kind }) => kind === "tasks").map(({ path }) => ({ path, slot: slots.take(path) }));
  const directory = cgroups.find(({ kind }) => kind === "directory");
  const cloneInto = directory === undefined ? null : slots.take(directory.path);
  const killList = isolation.pid ? undefined : joins[0];
  const killFile = isolation.pid || directory === undefined ? null : `${directory.path}/cgroup.kill`;
  const killSlot = killFile !== null && existsSync(killFile) ? slots.take(killFile) : null;
  return {
    opened: [
      ...joins.map(({ path, slot }) => steps.open(slot, path, openFlags.readWrite)),
      ...(directory === undefined || cloneInto === null
        ? []
        : [steps.open(cloneInto, directory.path, openFlags.readOnly)]),
      ...(killList === undefined ? [] : [steps.killWith(killList.slot, killList.path, "tasks")]),
      ...(killFile === null || killSlot === null
        ? []
        : [steps.open(killSlot, killFile, openFlags.writeOnly), steps.killWith(killSlot, killFile, "cgroup.kill")]),
    ],
    cloneInto,
    joined: joins.map(({ path, slot }) => steps.writeSlot(slot, "0", path)),
  };
}

/**
 * Listening sockets: asked for and received by the supervisor, passed to the command. Between the first two other steps can
 * be done; what is wanted more than once is asked for once.
 */
export function socketSteps(sockets: LaunchRequest["sockets"], slots: Slots) {
  const taken = sockets.map((socket) => ({ ...socket, slot: slots.take(socket.socketFile) }));
  const firstOf = ({ socketFile, request }: InheritedSocket): number =>
    taken.find((other) => other.socketFile === socketFile && other.request === request)?.slot ?? 0;
  const firsts = taken.filter((socket) => firstOf(socket) === socket.slot);
  const copies = taken.filter((socket) => firstOf(socket) !== socket.slot);
  return {
    asked: firsts.map(({ slot, socketFile, request }) => steps.ask(slot, socketFile, request, SOCKET_TIMEOUT_MS)),
    received: [
      ...firsts.map(({ slot, socketFile }) => steps.receive(slot, socketFile)),
      ...copies.map((socket) => steps.copy(socket.slot, firstOf(socket))),
    ],
    passed: taken.map(({ slot, fd }) => steps.inherit(slot, fd)),
  };
}

/** Files: opened by the supervisor, which may, and passed to the command. */
export function fileSteps(files: readonly InheritedFile[], slots: Slots) {
  const taken = files.map((file) => ({ ...file, slot: slots.take(file.path) }));
  return {
    opened: taken.map(({ slot, path }) => steps.open(slot, path, openFlags.readOnly)),
    passed: taken.map(({ slot, fd }) => steps.inherit(slot, fd)),
  };
}

/**
 * Who builds a root mounts by path. A slot has left the machine's paths behind: there the supervisor takes the mounts and
 * the inside places them, as it does with images everywhere.
 */
export function reachFor(slots: Slots, byPath: boolean): { readonly taken: Step[]; readonly reach: Reach } {
  const taken: Step[] = [];
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
