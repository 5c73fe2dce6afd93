import { describeErrno } from "./errno.ts";
import type { LaunchPlan, Step } from "./plan/plan.ts";

/** Why a launch did not happen. */
export type LaunchErrorCode =
  | "ENVIRONMENT"
  | "STEP_FAILED"
  | "PLAN_REFUSED"
  | "LAUNCHER_GONE"
  | "LAUNCHER_MISSING"
  | "ABORTED"
  | "INVALID_REQUEST";

/** A launch that did not happen: which step of the plan failed, with which errno. */
export class LaunchError extends Error {
  override readonly name = "LaunchError";
  readonly code: LaunchErrorCode;
  /** Index of the failing step in the plan, when a step failed. */
  readonly stepIndex: number | undefined;
  readonly step: Step | undefined;
  /** Errno as a positive number and by name ("EPERM"), when the kernel gave one. */
  readonly errno: number | undefined;
  readonly errnoCode: string | undefined;
  /** Why the step failed, and what to do about it, without the words for whose step it is. */
  readonly reason: string | undefined;

  constructor(message: string, details: LaunchErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.stepIndex = details.stepIndex;
    this.step = details.step;
    this.errno = details.errno;
    this.reason = details.reason;
    this.errnoCode = details.errno === undefined ? undefined : describeErrno(details.errno).code;
  }
}

export interface LaunchErrorDetails {
  readonly code: LaunchErrorCode;
  readonly stepIndex?: number | undefined;
  readonly step?: Step | undefined;
  readonly errno?: number | undefined;
  readonly reason?: string | undefined;
  readonly cause?: unknown;
}

/** The error for a step of `plan` that failed with `errno`. */
export function stepError(plan: LaunchPlan, stepIndex: number, errno: number): LaunchError {
  const step = plan.steps[stepIndex];
  const { code, text } = describeErrno(errno);
  const what = step === undefined ? `step ${stepIndex}` : step.says;
  const advice = step === undefined ? undefined : adviceFor(step, code);
  const reason = `${code} (${text})${advice === undefined ? "" : `; ${advice}`}`;
  const message = `Cannot start ${plan.name}: ${what} failed: ${reason}`;
  return new LaunchError(message, { code: "STEP_FAILED", stepIndex, step, errno, reason });
}

/** The error for a plan that the launcher would not run. */
export function refusalError(plan: LaunchPlan, stepIndex: number, errno: number): LaunchError {
  const step = plan.steps[stepIndex];
  const where = step === undefined ? "its header" : `step ${stepIndex} (${step.says})`;
  return new LaunchError(
    `Cannot start ${plan.name}: the launcher refused ${where}: ${describeErrno(errno).code}; launcher and library may be of different versions`,
    { code: "PLAN_REFUSED", stepIndex, step, errno },
  );
}

/** What to do about it, where the step and the errno together say so. */
function adviceFor(step: Step, code: string): string | undefined {
  const known = advice[step.name]?.[code];
  return known ?? (code === "EPERM" ? "run as root, or let the instance use a user namespace" : undefined);
}

const advice: Readonly<Partial<Record<Step["name"], Readonly<Record<string, string>>>>> = {
  SUPERVISE: {
    EAGAIN: "another supervisor still lives in this instance folder",
    ENOENT: "create the instance folder first",
  },
  CLONE: {
    EPERM: "this kernel or container forbids new namespaces; see `constellation doctor`",
    EAGAIN: "as many processes run as this user may have (ulimit -u), or the machine",
    ENOSPC: "the limit of namespaces is reached (sysctl user.max_*_namespaces)",
    EINVAL: "this kernel lacks one of the namespaces; see `constellation doctor`",
  },
  EXEC: {
    ENOENT: "check the command, its interpreter, and that the instance can see it (bind what lies outside /usr)",
    EACCES: "make the file executable and readable for the instance's user",
    E2BIG: "its arguments and its environment together are too large",
    ENOEXEC: "the file is neither a program for this machine nor a script with #!",
  },
  INIT: { EAGAIN: "as many processes run as this user may have (ulimit -u), or the machine" },
  CHDIR: { ENOENT: "the working directory must exist inside the instance; bind it" },
  IMAGE: { ENOENT: "no loop device: load the module `loop`, or choose another kind of disk quota" },
  ASK: {
    ECONNREFUSED: "whoever holds the listening socket is not running",
    ENOENT: "whoever holds the listening socket is not running",
  },
  NETLINK: {
    EEXIST: "an interface with this name, number or address exists already",
    EOPNOTSUPP: "a kernel module is missing (veth, sch_tbf)",
  },
  SCOPE: { EOPNOTSUPP: "Landlock is switched off (boot option lsm=)", EINVAL: "it needs Linux 6.12 or newer" },
  IDS: { EINVAL: "the user or group is not mapped into the instance's user namespace" },
};
