import { type Exit, formatBytes, formatDuration } from "@constellation/contract";

/** How a run ended, as the kernel or the driver saw it. */
export type End =
  | { readonly how: "exited"; readonly code: number }
  | { readonly how: "signalled"; readonly signal: string }
  /** Its program never executed: which step failed, and with what. */
  | { readonly how: "not-started"; readonly detail: string }
  /** It is gone and left no record. */
  | { readonly how: "lost"; readonly detail: string };

/** What else is known when a run has ended. */
export interface EndContext {
  /** Unix milliseconds. */
  readonly at: number;
  /** Processes of the run that the kernel ended for want of memory. */
  readonly oomKills: number;
  readonly memoryLimitBytes: number | null;
  readonly peakMemoryBytes: number | null;
  /** Set when its end was asked for; `killed` when the grace was over, or there was none. */
  readonly stop: { readonly signal: string; readonly graceMs: number; readonly killed: boolean } | null;
}

/** Words every way in which a run can end; all drivers use it, so that the same end reads the same everywhere. */
export function toExit(end: End, context: EndContext): Exit {
  const { kind, reason } = describe(end, context);
  return {
    kind,
    code: end.how === "exited" ? end.code : null,
    signal: end.how === "signalled" ? end.signal : null,
    reason,
    peakMemoryBytes: context.peakMemoryBytes,
    at: context.at,
  };
}

function describe(end: End, context: EndContext): Pick<Exit, "kind" | "reason"> {
  const { oomKills, stop } = context;
  switch (end.how) {
    case "not-started":
      return { kind: "start-failed", reason: `could not start: ${end.detail}` };
    case "lost":
      return { kind: "lost", reason: `vanished without a record of its end: ${end.detail}` };
    case "signalled":
      if (end.signal === "SIGKILL" && oomKills > 0) return { kind: "oom", reason: outOfMemory(context) };
      if (stop?.killed === true) return { kind: "killed", reason: killed(stop) };
      if (stop !== null) return { kind: "stopped", reason: stoppedBy(end.signal, stop.signal) };
      return { kind: "signal", reason: `ended by ${end.signal}${meaning(end.signal)}` };
    case "exited": {
      const also = oomKills > 0 ? ` after the kernel had ended ${processes(oomKills)} of it at ${limit(context)}` : "";
      if (stop?.killed === true) return { kind: "killed", reason: `${killed(stop)}; its code was ${end.code}${also}` };
      if (stop !== null) return { kind: "stopped", reason: `stopped on request with code ${end.code}${also}` };
      if (end.code === 0) return { kind: "completed", reason: `completed with code 0${also}` };
      return { kind: "error", reason: `exited with code ${end.code}${hint(end.code)}${also}` };
    }
  }
}

function outOfMemory(context: EndContext): string {
  const peak = context.peakMemoryBytes === null ? "" : ` (peak ${formatBytes(context.peakMemoryBytes)})`;
  return `ended by the kernel at ${limit(context)}${peak}`;
}

function limit({ memoryLimitBytes }: EndContext): string {
  return memoryLimitBytes === null
    ? "the machine's memory limit"
    : `its memory limit of ${formatBytes(memoryLimitBytes)}`;
}

function killed({ signal, graceMs }: { readonly signal: string; readonly graceMs: number }): string {
  return graceMs === 0
    ? "ended by force on request"
    : `ended by force: it had not stopped ${formatDuration(graceMs)} after ${signal}`;
}

function stoppedBy(signal: string, asked: string): string {
  return signal === asked ? `stopped on request by ${signal}` : `ended by ${signal} while it was stopping`;
}

const processes = (count: number): string => (count === 1 ? "1 process" : `${count} processes`);

const meanings: Readonly<Record<string, string>> = {
  SIGKILL: " from outside the platform",
  SIGSEGV: ": it used memory that is not its own",
  SIGBUS: ": it used memory that is not there",
  SIGILL: ": it executed an instruction that this processor does not have",
  SIGFPE: ": an arithmetic fault such as a division by zero",
  SIGABRT: ": it aborted itself",
  SIGSYS: ": it made a system call that its filter forbids",
  SIGPIPE: ": it wrote to a closed pipe or connection",
  SIGXFSZ: ": it wrote a file larger than its limit",
  SIGXCPU: ": it used more processor time than its limit",
};

function meaning(signal: string): string {
  return meanings[signal] ?? "";
}

/** Codes with a meaning of their own in shells (POSIX sh, "Exit Status for Commands"). */
function hint(code: number): string {
  if (code === 127) return " (in a shell: command not found)";
  if (code === 126) return " (in a shell: found, but not executable)";
  return "";
}
