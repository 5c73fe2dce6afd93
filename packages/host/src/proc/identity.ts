import { errnoOf, HostError } from "../failure.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { readPsRow } from "./ps-table.ts";
import { readKernelFileIfPresent } from "./read-file.ts";
import { parseProcessStat, type ProcessStat } from "./stat.ts";

/** Names one process of this boot for good: the kernel may give a pid again, never with the same start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot (Linux), or seconds since the epoch (macOS); only ever compared. */
  readonly startTicks: number;
}

/** The identity of the process that has this pid now, or undefined when there is none. */
export function identifyProcess(pid: number, roots: HostRoots = systemRoots): ProcessIdentity | undefined {
  const stat = statOf(pid, roots);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks };
}

/** Whether this very process still runs; a zombie has ended and only waits for its parent. */
export function isProcessAlive(identity: ProcessIdentity, roots: HostRoots = systemRoots): boolean {
  const stat = statOf(identity.pid, roots);
  return stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== "Z" && stat.state !== "X";
}

/** What became of a signal: `gone` when the process has ended (even if another one has its pid now). */
export type SignalOutcome = "sent" | "gone" | "denied";

/**
 * Signals a process only if it is still the one that was identified, so that a pid given again is never hit.
 * Between the check and the signal some microseconds pass in which the kernel would have to run through all pids.
 * @throws HostError name-invalid for a pid below 2 (0, -1 and 1 would reach groups, everything or init)
 */
export function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals | 0,
  roots: HostRoots = systemRoots,
): SignalOutcome {
  if (!Number.isSafeInteger(identity.pid) || identity.pid < 2)
    throw new HostError("name-invalid", `Cannot signal pid ${identity.pid}: wanted the pid of one process, 2 or more`);
  if (!isProcessAlive(identity, roots)) return "gone";
  try {
    process.kill(identity.pid, signal);
    return "sent";
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return "gone";
    if (errnoOf(error) === "EPERM") return "denied";
    throw error;
  }
}

function statOf(pid: number, roots: HostRoots): Pick<ProcessStat, "startTicks" | "state"> | undefined {
  if (process.platform === "darwin" && roots === systemRoots) {
    const row = readPsRow(pid);
    return row === undefined ? undefined : { startTicks: row.startedAtSeconds, state: row.state };
  }
  if (process.platform !== "linux" && roots === systemRoots)
    throw new HostError(
      "platform-unsupported",
      `Cannot identify pid ${pid} on "${process.platform}": wanted linux or darwin`,
    );
  const text = readKernelFileIfPresent(`${roots.proc}/${pid}/stat`);
  return text === undefined || text === "" ? undefined : parseProcessStat(text);
}
