import { readdirSync, readFileSync } from "node:fs";

/** A process as /proc shows it (proc(5)). */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Ticks since boot; together with the pid it names one process for ever. */
  readonly startedAt: string;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Every process that can be read and is no zombie. */
export function listProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** One process, null when it is gone. */
export function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return {
      pid,
      parent: Number(fields[1]),
      startedAt: fields[19] ?? "",
      command: words(`/proc/${pid}/cmdline`).join(" "),
      environment: Object.fromEntries(
        words(`/proc/${pid}/environ`).map((word) => [
          word.slice(0, word.indexOf("=")),
          word.slice(word.indexOf("=") + 1),
        ]),
      ),
    };
  } catch {
    return null;
  }
}

/** Ends exactly this process; false when it is gone, whoever has its number now. */
export function killProcess({ pid, startedAt }: Process): boolean {
  if (readProcess(pid)?.startedAt !== startedAt) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

const words = (path: string): string[] =>
  readFileSync(path, "utf8")
    .split("\0")
    .filter((word) => word !== "");
