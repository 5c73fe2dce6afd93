import {
  findByEnvironment,
  isProcessAlive,
  listContainers,
  findEngineSockets,
  setNiceness,
  signalProcess,
  stopContainer,
  type Cgroup,
  type ProcessIdentity,
} from "@constellation/host";
import { markerOf, runLabel } from "../run/marker.ts";

/** What is to be gone. */
export interface Remains {
  readonly run: string;
  readonly cgroup: Cgroup | undefined;
  /** The process groups that the guard started, by their leaders. */
  readonly leaders: readonly ProcessIdentity[];
}

/** What teardown did. `survivors` is empty unless the kernel would not let go of a process. */
export interface TeardownReport {
  readonly tookMs: number;
  /** Processes that had left the control group or the process group and were found by their environment. */
  readonly swept: number;
  readonly survivors: readonly number[];
  readonly containers: readonly string[];
  /** What could not be done, in words. */
  readonly troubles: readonly string[];
}

export interface TeardownOptions {
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Ask Docker and Podman too. @default true */
  readonly containers?: boolean;
}

/**
 * Ends everything that belongs to a run: freezes and kills its control group, signals the process groups while their
 * leaders are known, sweeps all processes for the run's marker until none is found, then stops labelled containers.
 */
export async function tearDown(remains: Remains, options: TeardownOptions = {}): Promise<TeardownReport> {
  const startedAt = performance.now();
  const deadline = startedAt + (options.timeoutMs ?? 5000);
  const troubles: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      troubles.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  const { cgroup } = remains;
  if (cgroup !== undefined) {
    await attempt("hurry it", async () => hurry(cgroup));
    // It freezes and kills in turns (v1) or in one step (v2): nothing forks in between, and nothing is waited for before.
    await attempt("kill the control group", () =>
      cgroup.kill({ timeoutMs: Math.max(1, deadline - performance.now()) }),
    );
  }
  for (const leader of remains.leaders) killGroup(leader);
  let [swept, survivors]: [number, readonly number[]] = [0, []];
  // Where processes cannot be looked into (macOS) that is said, and the rest is done.
  await attempt("look for strays", async () => ({ swept, survivors } = await sweep(remains.run, deadline)));
  if (cgroup !== undefined)
    await attempt("remove the control group", async () => {
      const removed = await cgroup.remove({ timeoutMs: 1000 });
      if (removed.kind === "busy") troubles.push(`the control group stays: ${removed.reason}`);
      cgroup.close();
    });
  const tookMs = performance.now() - startedAt;
  const containers = options.containers === false ? [] : await stopContainers(remains.run, troubles);
  return { tookMs, swept, survivors, containers, troubles };
}

/** A process frees its own memory when it is killed; on a busy machine it would wait for its turn, gigabytes in hand. */
function hurry(cgroup: Cgroup): void {
  for (const pid of cgroup.processes()) setNiceness(pid, -20);
}

/** Kills by marker until a sweep finds nothing: what is found may fork between two looks. */
async function sweep(run: string, deadline: number): Promise<{ swept: number; survivors: readonly number[] }> {
  const killed = new Set<string>();
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    const found = findByEnvironment(markerOf(run));
    if (found.length === 0) return { swept: killed.size, survivors: [] };
    // Stopped first, so that none of them forks while the others are being killed.
    for (const each of found) signalProcess(each, "SIGSTOP");
    for (const each of found) {
      signalProcess(each, "SIGKILL");
      killed.add(`${each.pid} ${each.startTicks}`);
    }
    if (performance.now() > deadline) return { swept: killed.size, survivors: found.map(({ pid }) => pid) };
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The rest of a group whose members dropped the marker, if its leader is still the one we started. */
function killGroup(leader: ProcessIdentity): void {
  if (!isProcessAlive(leader)) return;
  try {
    process.kill(-leader.pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}

async function stopContainers(run: string, troubles: string[]): Promise<string[]> {
  const stopped: string[] = [];
  for (const socket of findEngineSockets()) {
    try {
      for (const container of await listContainers(socket, { [runLabel]: run }, { timeoutMs: 2000 })) {
        await stopContainer(container, 1000);
        stopped.push(container.names[0] ?? container.id.slice(0, 12));
      }
    } catch (error) {
      // A socket without a server is an engine that is not running: it has no containers of ours.
      if (
        !/ECONNREFUSED|ENOENT|EACCES/.test(
          String(error instanceof Error ? `${error.message} ${String(error.cause)}` : error),
        )
      )
        troubles.push(`containers: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return stopped;
}
