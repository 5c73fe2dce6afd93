import type { JoinTarget } from "@constellation/host";
import type { HostFacts } from "../host-facts.ts";
import { LaunchError } from "../launch-error.ts";
import { execStep } from "../plan/exec-step.ts";
import { cloneFlags, openFlags } from "../plan/linux.ts";
import type { LaunchPlan } from "../plan/plan.ts";
import { Slots } from "../plan/slots.ts";
import { steps } from "../plan/steps.ts";
import { expendableSteps, privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import type { PidFile } from "../records/pid-file.ts";
import type { InstanceUser, Isolation, ResourceLimits } from "../request.ts";

/** A command to run inside an instance that runs already, under the same restrictions. */
export interface ExecRequest {
  /** For messages: "web.2". */
  readonly name: string;
  /** The processes of the instance (readPidFile). */
  readonly pids: PidFile;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What the instance was launched with. */
  readonly isolation: Isolation;
  readonly user: InstanceUser;
  readonly ownNetwork: boolean;
  readonly rlimits: ResourceLimits;
  readonly cgroups: readonly JoinTarget[];
  /** With a terminal of this size, or with pipes. */
  readonly terminal: TerminalSize | null;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The plan of a command inside an instance. It enters the namespaces of exactly the process in the pid file, or fails.
 * @throws LaunchError INVALID_REQUEST when the instance has no main process any more
 */
export function buildExecPlan(request: ExecRequest, host: HostFacts): LaunchPlan {
  const { isolation, user, terminal, pids } = request;
  if (pids.main === null)
    throw new LaunchError(`Cannot run a command in ${request.name}: its main process has ended`, {
      code: "INVALID_REQUEST",
    });
  const slots = new Slots();
  const target = slots.take("the main process");
  const lists = request.cgroups
    .filter(({ kind }) => kind === "tasks")
    .map(({ path }) => ({ path, slot: slots.take(path) }));
  const directory = request.cgroups.find(({ kind }) => kind === "directory");
  const cloneInto = directory === undefined ? null : slots.take(directory.path);
  const namespaces =
    (user.kind === "namespace" ? cloneFlags.user : 0) |
    (isolation.pid ? cloneFlags.pid : 0) |
    (isolation.root ? cloneFlags.mount : 0) |
    (isolation.ipc ? cloneFlags.ipc : 0) |
    (isolation.uts ? cloneFlags.uts : 0) |
    (isolation.cgroup ? cloneFlags.cgroup : 0) |
    (request.ownNetwork ? cloneFlags.network : 0);
  return {
    name: request.name,
    steps: [
      steps.session(terminal !== null),
      // While its own files in /proc are there, and its.
      ...expendableSteps(host),
      ...lists.map(({ slot, path }) => steps.open(slot, path, openFlags.readWrite)),
      ...(directory === undefined || cloneInto === null
        ? []
        : [steps.open(cloneInto, directory.path, openFlags.readOnly)]),
      ...(namespaces === 0
        ? []
        : [
            steps.openProcess(target, pids.main.pid, pids.main.startTicks),
            // Inside a user namespace they could not be given up any more.
            ...(host.privileged ? [steps.ids(host.uid, host.gid, [])] : []),
            steps.enter(target, namespaces),
          ]),
      ...(terminal === null ? [] : [steps.openTerminal("/dev/ptmx", terminal.rows, terminal.columns)]),
      steps.clone(0, cloneInto, 0),
      ...lists.map(({ slot, path }) => steps.writeSlot(slot, "0", path)),
      steps.umask(0o022),
      ...(user.kind === "namespace" ? [steps.ids(user.insideUid, user.insideGid, [])] : []),
      steps.chdir(request.cwd),
      ...(terminal === null ? [steps.newSession()] : []),
      ...(isolation.dropCapabilities ? [steps.bounding(0n)] : []),
      // Without process numbers of its own the command would else be kept from the instance's processes, too.
      ...privilegeSteps({ ...request, isolation: { ...isolation, ownSignals: false } }),
      ...seccompSteps(request, host.architecture),
      execStep(request),
    ],
  };
}
