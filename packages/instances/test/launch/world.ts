import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, vi } from "vitest";
import {
  buildPlan,
  type ExitRecord,
  fullIsolation,
  killInstance,
  type LaunchRequest,
  noIsolation,
  readHostFacts,
  readPidFile,
  Spawner,
  watchLife,
} from "../../src/launch/index.ts";

/** What this machine lets a test do. */
export const host = readHostFacts();
export const asRoot = host.uid === 0 && host.privileged;

/** A finished run. */
export interface Finished {
  readonly record: ExitRecord;
  readonly stdout: string;
  readonly stderr: string;
}

/** One spawner and a folder for its instances; at the end nothing of them may be left. */
export class World {
  readonly spawner = new Spawner();
  readonly #folders: string[] = [];
  #count = 0;
  #folder: string | null = null;

  /** Made when it is first needed: tests that are skipped need none, and nothing of theirs removes it. */
  get folder(): string {
    return (this.#folder ??= mkdtempSync(join(tmpdir(), "launch-")));
  }

  /** Call inside `describe`. */
  static use(): World {
    const world = new World();
    beforeAll(() => world.spawner.start());
    afterAll(() => world.close());
    return world;
  }

  request(over: Partial<LaunchRequest> & { readonly argv: readonly string[] }): LaunchRequest {
    const instanceDir = mkdtempSync(join(this.folder, `${this.#count++}-`));
    this.#folders.push(instanceDir);
    return {
      identity: { name: "web.2", hostname: "web-2" },
      env: { PATH: "/usr/bin:/bin:/usr/sbin" },
      cwd: "/",
      instanceDir,
      log: { path: join(instanceDir, "log"), maxBytes: 10_000_000, rotatedFiles: 2, maxLineBytes: 16384 },
      isolation: noIsolation,
      user: { kind: "same" },
      binds: [],
      memoryFolders: [],
      data: null,
      tmpBytes: 16 << 20,
      sharedMemoryBytes: 4 << 20,
      rlimits: {},
      cgroups: [],
      network: { kind: "host" },
      sockets: [],
      startTimeoutMs: 10_000,
      ...over,
    };
  }

  /** Full isolation as an unprivileged user of its own. */
  isolated(over: Partial<LaunchRequest> & { readonly argv: readonly string[] }): LaunchRequest {
    const user = asRoot
      ? ({ kind: "own", uid: 100_321, gid: 100_321, groups: [] } as const)
      : ({ kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: host.uid, outsideGid: host.gid } as const);
    return this.request({ isolation: fullIsolation, user, network: { kind: "none" }, ...over });
  }

  async run(request: LaunchRequest): Promise<Finished> {
    await this.spawner.launch(buildPlan(request, host));
    const end = await watchLife(request.instanceDir, { signal: AbortSignal.timeout(20_000) });
    if (end.kind === "lost") throw new Error("the supervisor vanished");
    return { record: end.record, ...outputOf(request) };
  }

  /** Runs a shell script. */
  async shell(script: string, over: Partial<LaunchRequest> = {}): Promise<Finished> {
    return await this.run(this.request({ argv: ["sh", "-c", script], ...over }));
  }

  async isolatedShell(script: string, over: Partial<LaunchRequest> = {}): Promise<Finished> {
    return await this.run(this.isolated({ argv: ["sh", "-c", script], ...over }));
  }

  async close(): Promise<void> {
    for (const folder of this.#folders) if (existsSync(folder)) killInstance(folder);
    await this.spawner.close();
    const left = (): string[] =>
      this.#folders.flatMap((folder) => {
        const pids = existsSync(folder) ? readPidFile(folder) : null;
        return pids === null
          ? []
          : [pids.supervisor, pids.init, pids.main].flatMap((stamp) =>
              stamp !== null && isAlive(stamp.pid, stamp.startTicks) ? [`${stamp.pid} of ${folder}`] : [],
            );
      });
    await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 5000 });
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(this.folder);
    rmSync(this.folder, { recursive: true });
  }
}

/** Text of all entries of one stream, oldest file first; entries tagged P are joined with what follows. */
export function outputOf(request: LaunchRequest): { readonly stdout: string; readonly stderr: string } {
  const output = { stdout: "", stderr: "" };
  for (const line of logLines(request)) {
    const entry = /^(?<time>\S+) (?<stream>stdout|stderr) (?<tag>[FP]) (?<text>.*)$/su.exec(line)?.groups;
    if (entry === undefined) throw new Error(`not a log entry: ${JSON.stringify(line)}`);
    output[entry["stream"] as "stdout" | "stderr"] += `${entry["text"]}${entry["tag"] === "F" ? "\n" : ""}`;
  }
  return output;
}

/** All lines of all log files of a run, oldest first. */
export function logLines({ log }: LaunchRequest): string[] {
  if (log === null) return [];
  const { path, rotatedFiles } = log;
  const files = [path, ...Array.from({ length: rotatedFiles }, (_, index) => `${path}.${index + 1}`)].toReversed();
  return files.flatMap((file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : []));
}

/** Whether this very process still exists; a zombie counts. */
export function isAlive(pid: number, startTicks: bigint): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] === String(startTicks);
  } catch {
    return false;
  }
}

/** Pids of processes whose command line contains this text. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/u.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Looks again and again until it is so; ten seconds, since machines are busy. */
export function eventually<T>(look: () => T) {
  return expect.poll(look, { timeout: 10_000 });
}
