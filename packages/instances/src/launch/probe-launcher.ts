import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timeLimit } from "@constellation/host";
import type { HostFacts } from "./host-facts.ts";
import { LaunchError } from "./launch-error.ts";
import { planWire } from "./network/wire-plan.ts";
import { buildPlan } from "./plan/build-plan.ts";
import { killInstance } from "./records/control.ts";
import { watchLife } from "./records/watch-life.ts";
import { fullIsolation, type InstanceUser, type Isolation, type LaunchRequest, noIsolation } from "./request.ts";
import { Spawner } from "./spawner.ts";

/** One part of the isolation: whether it works here, and if not, what failed. */
export type Ability = { readonly works: true } | { readonly works: false; readonly reason: string };

/** The parts that were tried. */
export const probedParts = [
  "launch",
  "userNamespace",
  "pid",
  "root",
  "ipc",
  "uts",
  "cgroup",
  "ownNetwork",
  "privateNetwork",
  "capabilities",
  "seccomp",
  "ownUser",
  "memoryFolder",
] as const;
export type ProbedPart = (typeof probedParts)[number];

/** What launching can do here. */
export interface LauncherAbilities {
  readonly abilities: Readonly<Record<ProbedPart, Ability>>;
  /** How instances should run when nothing else is asked for: the strongest combination that works. */
  readonly isolation: Isolation;
  readonly user: "own" | "namespace" | "same";
}

const TRIAL_MS = 5000;
/** An address range that is for documentation only, so that the trial meets nobody (RFC 5737). */
const trialWire = planWire(0, { sendBitsPerSecond: null, receiveBitsPerSecond: null }, { range: "192.0.2.0/24" });

/**
 * Tries each part of the isolation by launching `true` with it, some fifteen times; takes about 50 ms on a quiet
 * machine. The trials leave nothing. The wire of the private network exists for a moment, with an address of
 * 192.0.2.0/24.
 */
export async function probeLauncher(
  host: HostFacts,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<LauncherAbilities> {
  const folder = mkdtempSync(join(tmpdir(), "constellation-probe-"));
  const spawner = new Spawner();
  try {
    await spawner.start();
    const trial = new Trials(folder, spawner, host, signal);
    return conclude(await trial.all(), host);
  } catch (error) {
    if (!(error instanceof LaunchError) || signal?.aborted === true) throw error;
    return conclude(() => ({ works: false, reason: error.message }), host);
  } finally {
    await spawner.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Trials {
  readonly #folder: string;
  readonly #spawner: Spawner;
  readonly #host: HostFacts;
  readonly #signal: AbortSignal | undefined;

  constructor(folder: string, spawner: Spawner, host: HostFacts, signal: AbortSignal | undefined) {
    this.#folder = folder;
    this.#spawner = spawner;
    this.#host = host;
    this.#signal = signal;
  }

  async all(): Promise<(part: ProbedPart) => Ability> {
    const { uid, gid, privileged } = this.#host;
    const namespace: InstanceUser = {
      kind: "namespace",
      insideUid: 1000,
      insideGid: 1000,
      outsideUid: uid,
      outsideGid: gid,
    };
    const own: InstanceUser = { kind: "own", uid: 65_534, gid: 65_534, groups: [] };
    const user = privileged ? own : namespace;
    const outcomes = new Map<ProbedPart, Ability>();
    const works = (part: ProbedPart): boolean => outcomes.get(part)?.works === true;
    const attempt = async (part: ProbedPart, over: Partial<LaunchRequest>): Promise<void> => {
      outcomes.set(part, await this.#attempt(part, { user, ...over }));
    };
    const only = (part: Partial<Isolation>): Partial<LaunchRequest> => ({ isolation: { ...noIsolation, ...part } });
    await attempt("launch", { user: { kind: "same" } });
    await attempt("userNamespace", { user: namespace });
    await attempt("ownUser", { user: own });
    await attempt("pid", only({ pid: true }));
    await attempt("ipc", only({ ipc: true }));
    await attempt("uts", only({ uts: true }));
    await attempt("cgroup", only({ cgroup: true }));
    await attempt("root", only({ root: true, pid: true }));
    await attempt("memoryFolder", {
      ...only({ root: true, pid: true }),
      memoryFolders: [{ path: "/run", bytes: 1 << 20 }],
    });
    await attempt("ownNetwork", { network: { kind: "none" } });
    await attempt("privateNetwork", {
      network: { kind: "private", wire: { ...trialWire, hostName: "cnprobe", hostIndex: 69_999 } },
    });
    const weakest: InstanceUser = works("ownUser") ? own : works("userNamespace") ? namespace : { kind: "same" };
    await attempt("capabilities", { ...only({ dropCapabilities: true }), user: weakest });
    await attempt("seccomp", { ...only({ noNewPrivileges: true, seccomp: "default" }), user: weakest });
    return (part) => outcomes.get(part) ?? { works: false, reason: "it was not tried" };
  }

  async #attempt(part: ProbedPart, over: Partial<LaunchRequest>): Promise<Ability> {
    const instanceDir = mkdtempSync(join(this.#folder, `${part}-`));
    try {
      const signal = timeLimit(TRIAL_MS, this.#signal);
      await this.#spawner.launch(buildPlan({ ...trialRequest(instanceDir), ...over }, this.#host), { signal });
      const end = await watchLife(instanceDir, { signal });
      if (end.kind === "ended" && end.record.ending.kind === "exited" && end.record.ending.exitCode === 0)
        return { works: true };
      return { works: false, reason: "the trial program did not end well" };
    } catch (error) {
      this.#signal?.throwIfAborted();
      killInstance(instanceDir);
      return { works: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }
}

function trialRequest(instanceDir: string): LaunchRequest {
  return {
    identity: { name: "the trial", hostname: "trial" },
    argv: ["true"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    cwd: "/",
    instanceDir,
    log: null,
    isolation: noIsolation,
    user: { kind: "same" },
    binds: [],
    memoryFolders: [],
    data: null,
    tmpBytes: 1 << 20,
    sharedMemoryBytes: 1 << 20,
    rlimits: {},
    cgroups: [],
    network: { kind: "host" },
    sockets: [],
    startTimeoutMs: TRIAL_MS,
  };
}

function conclude(outcome: (part: ProbedPart) => Ability, host: HostFacts): LauncherAbilities {
  const works = (part: ProbedPart): boolean => outcome(part).works;
  const user = works("ownUser") ? "own" : works("userNamespace") ? "namespace" : "same";
  const namespaces = host.privileged || user === "namespace";
  const isolation: Isolation = {
    ...fullIsolation,
    pid: namespaces && works("pid"),
    root: namespaces && works("root") && user !== "same",
    ipc: namespaces && works("ipc"),
    uts: namespaces && works("uts"),
    cgroup: namespaces && works("cgroup"),
    dropCapabilities: works("capabilities"),
    noNewPrivileges: works("seccomp"),
    seccomp: works("seccomp") ? "default" : "off",
    terminals: works("root"),
  };
  const abilities = Object.fromEntries(probedParts.map((part) => [part, outcome(part)])) as Record<ProbedPart, Ability>;
  return { abilities, isolation, user };
}
