import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { promisify } from "node:util";
import { errnoOf, HostError } from "../failure.ts";

/** What became of a wish; `denied` when it needs rights that we lack, `missing` when the machine has no such thing. */
export type PriorityOutcome = "set" | "denied" | "gone" | "missing";

/** Sets the niceness of a process, -20 (first) to 19 (last); below the present one needs CAP_SYS_NICE. */
export function setNiceness(pid: number, niceness: number): PriorityOutcome {
  if (!Number.isInteger(niceness) || niceness < -20 || niceness > 19)
    throw new HostError("limit-invalid", `Cannot set niceness ${niceness}: wanted a whole number from -20 to 19`);
  try {
    setPriority(pid, niceness);
    return "set";
  } catch (error) {
    const errno = (error as { info?: { code?: string } }).info?.code ?? errnoOf(error);
    if (errno === "ESRCH") return "gone";
    if (errno === "EACCES" || errno === "EPERM") return "denied";
    throw error;
  }
}

/** Who the kernel's OOM killer takes first: -1000 never to 1000 first; lowering needs CAP_SYS_RESOURCE. Linux only. */
export function setOomScoreAdjustment(pid: number, adjustment: number): PriorityOutcome {
  if (!Number.isInteger(adjustment) || adjustment < -1000 || adjustment > 1000)
    throw new HostError(
      "limit-invalid",
      `Cannot set oom_score_adj ${adjustment}: wanted a whole number from -1000 to 1000`,
    );
  if (process.platform !== "linux") return "missing";
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(adjustment), { flag: "r+" });
    return "set";
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return "gone";
    if (errno === "EACCES" || errno === "EPERM") return "denied";
    throw error;
  }
}

/** I/O scheduling class of ioprio_set(2): `realtime` needs CAP_SYS_ADMIN, `idle` gets the disk only when nobody else wants it. */
export type IoClass = "realtime" | "best-effort" | "idle";

/** Sets the I/O priority of a process by ionice(1); works with the bfq and mq-deadline schedulers. Linux only. */
export async function setIoPriority(pid: number, ioClass: IoClass, level = 4): Promise<PriorityOutcome> {
  if (!Number.isInteger(level) || level < 0 || level > 7)
    throw new HostError(
      "limit-invalid",
      `Cannot set I/O priority level ${level}: wanted a whole number from 0 (first) to 7`,
    );
  if (process.platform !== "linux") return "missing";
  const number = { realtime: "1", "best-effort": "2", idle: "3" }[ioClass];
  const levelArguments = ioClass === "idle" ? [] : ["-n", String(level)];
  try {
    await promisify(execFile)("ionice", ["-c", number, ...levelArguments, "-p", String(pid)], {
      timeout: 5000,
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" },
    });
    return "set";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "missing";
    const text = (error as { stderr?: string }).stderr ?? "";
    if (text.includes("No such process")) return "gone";
    if (text.includes("not permitted")) return "denied";
    throw new HostError(
      "file-unreadable",
      `Cannot set the I/O priority of pid ${pid}: ${text.trim() || String(error)}`,
      { cause: error },
    );
  }
}
