import { spawn, type ChildProcess } from "node:child_process";
import type { EnvironmentMarker } from "@constellation/host";
import { awaitEnd } from "../bounded-wait.ts";

const againMs = 1000;

/**
 * Ends worker processes when their pool's process ends, however it ends. A worker that sits in its event loop notices
 * the end of its socket itself; one that computes cannot. So one shell of less than a megabyte waits for the end of its
 * standard input, which is ours, and kills whoever is on its list and still carries the pool's marker.
 */
export class Lifeline {
  readonly #script: string;
  readonly #held = new Set<number>();
  #shell: ChildProcess | null = null;
  #closed = false;
  #starts = 0;

  /**
   * Workers carry markers whose values begin with the one given here, and nobody else's do. `sweeps`: whoever else carries
   * one is killed too, as it was started by a worker (Linux).
   */
  constructor(marker: EnvironmentMarker, sweeps: boolean) {
    if (!/^[\w-]+$/.test(`${marker.name}${marker.value}`)) throw new TypeError("Cannot hold workers: odd marker");
    const entry = `^${marker.name}=${marker.value}`;
    this.#script = [
      `pids=" "`,
      `while read -r op pid; do`,
      `  case $op in +) pids="$pids$pid " ;; -) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac`,
      `done`,
      // Group members may have another leader's pid, so the group is asked by its leader, checked by the marker.
      `for pid in $pids; do`,
      `  if [ -r /proc/$pid/environ ]; then tr '\\0' '\\n' < /proc/$pid/environ | grep -q '${entry}' || continue; fi`,
      `  kill -9 -- -$pid 2>/dev/null || kill -9 $pid 2>/dev/null`,
      `done`,
      // Again until nobody is found: they may fork meanwhile.
      ...(sweeps
        ? [
            `for round in 1 2 3 4 5; do`,
            // It fails for those that end or are others', and finds the rest all the same.
            `  found=$(grep -l '${marker.name}=${marker.value}' /proc/[0-9]*/environ 2>/dev/null)`,
            `  [ -n "$found" ] || break`,
            `  for file in $found; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null; done`,
            `done`,
          ]
        : []),
    ].join("\n");
  }

  /** The shell's process id, null before the first worker; for leak checks. */
  get pid(): number | null {
    return this.#shell?.pid ?? null;
  }

  hold(pid: number): void {
    this.#held.add(pid);
    if (this.#shell === null) this.#start();
    else this.#shell.stdin?.write(`+ ${pid}\n`);
  }

  release(pid: number): void {
    if (this.#held.delete(pid)) this.#shell?.stdin?.write(`- ${pid}\n`);
  }

  /** Ends the shell; resolves when it is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const shell = this.#shell;
    if (shell === null) return;
    // It did not keep the program alive; the wait for its end does.
    shell.ref();
    const closed = new Promise<void>((resolve) => shell.once("close", resolve));
    shell.stdin?.end();
    await awaitEnd(closed, `The shell ${shell.pid} that holds a pool's workers`);
  }

  /** A shell that cannot live is not started for ever. */
  #startAgain(): void {
    if (this.#shell === null && !this.#closed && this.#held.size > 0 && this.#starts < 100) this.#start();
  }

  #start(): void {
    this.#starts += 1;
    const shell = spawn("/bin/sh", ["-c", this.#script], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    });
    if ((shell.stdin as unknown) === undefined) {
      // No descriptor was free for its pipe.
      shell.once("error", () => undefined);
      setTimeout(() => this.#startAgain(), againMs).unref();
      return;
    }
    this.#shell = shell;
    shell.stdin.on("error", () => undefined);
    shell.once("error", ({ message }) => {
      if (this.#starts > 1) return;
      process.emitWarning(`Workers that compute will outlive this process when it is killed: no /bin/sh (${message})`);
    });
    shell.once("close", () => {
      this.#shell = null;
      // Somebody ended it: the workers must not stay without.
      this.#startAgain();
    });
    shell.stdin.write([...this.#held].map((pid) => `+ ${pid}\n`).join(""));
    shell.unref();
    (shell.stdin as unknown as { unref(): void }).unref();
  }
}
