import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";
import workerThreads, { type WorkerOptions } from "node:worker_threads";

/**
 * Makes starting child processes and loading native add-ons fail in this thread: when the thread is ended its children
 * stay behind, and a crash in native code takes the whole process along. Node gives each thread its own built-ins, so
 * nobody else is touched; threads that this one starts begin with the same ban.
 */
export function banSpawning(): void {
  const spawns = childProcess as unknown as Record<string, unknown>;
  const { ChildProcess } = childProcess as unknown as { ChildProcess: { prototype: Record<string, unknown> } };
  ChildProcess.prototype["spawn"] = refuse("start a child process");
  for (const name of ["spawnSync", "execSync", "execFileSync"]) spawns[name] = refuse("start a child process");
  (process as unknown as Record<string, unknown>)["dlopen"] = refuse("load a native add-on");
  (workerThreads as { Worker: unknown }).Worker = bannedToo(workerThreads.Worker);
  syncBuiltinESMExports();
}

function bannedToo(Worker: typeof workerThreads.Worker): typeof workerThreads.Worker {
  const first = ["--require", fileURLToPath(new URL("./nested-thread.js", import.meta.url))];
  return class extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? process.execArgv), ...first] });
    }
  };
}

function refuse(what: string): () => never {
  return () => {
    throw Object.assign(
      new Error(
        `Cannot ${what} in a pool thread: ending the thread would leave it behind, or its crash would end everything; ` +
          `place this module in processes (traits: { mayFork: true } or { native: true })`,
      ),
      { name: "PoolError", code: "placement-refused" },
    );
  };
}
