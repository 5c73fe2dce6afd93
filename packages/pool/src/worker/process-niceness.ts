import { readdirSync, writeFileSync } from "node:fs";
import { setNiceness } from "@constellation/host";

/** Sets the niceness of a process that leads a session, with all its threads; false when that cannot be. */
export function niceSession(pid: number, niceness: number): boolean {
  try {
    if (process.platform !== "linux") return setNiceness(pid, niceness) !== "denied";
    weighSession(pid, niceness);
    // V8's own threads take the niceness of the main thread at their start.
    const threads = readdirSync(`/proc/${pid}/task`).map(Number);
    return threads.map((thread) => setNiceness(thread, niceness)).every((outcome) => outcome !== "denied");
  } catch {
    return false;
  }
}

/**
 * sched(7), "The autogroup feature": where it is on, Linux shares the processor among sessions first, so that the niceness of
 * threads counts only within theirs, and each session has a niceness of its own.
 */
function weighSession(pid: number, niceness: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness), { flag: "r+" });
  } catch {
    // A kernel without it, or the process is gone: there is nothing to weigh.
  }
}
