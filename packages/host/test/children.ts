import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach } from "vitest";

/** A program that runs. */
export interface StartedChild extends ChildProcess {
  readonly pid: number;
}

const started = new Set<ChildProcess>();

/** Starts a program with an environment of its own; every one left at a test's end is killed and waited for. */
export function startChild(command: string, args: string[], env: Record<string, string> = {}): StartedChild {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin", ...env } });
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  started.add(child);
  return Object.assign(child, { pid: child.pid });
}

/** Waits for the program's first bytes on stdout. */
export async function firstOutput(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("stdout is not a pipe");
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return chunk.toString();
}

/** Ends a program and waits until it is reaped. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
  started.delete(child);
}

afterEach(async () => {
  await Promise.all([...started].map(endChild));
});
