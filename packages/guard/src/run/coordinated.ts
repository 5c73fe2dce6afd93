import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { ConstellationError, type LeaseRequest } from "@constellation/contract";
import { findFreePort, identifyProcess } from "@constellation/host";
import { defaultPortRange } from "../coordination/ports.ts";
import { DaemonLease, type Permission } from "../lease/daemon-lease.ts";
import type { Lease } from "../lease/lease.ts";
import type { RunOptions } from "./options.ts";
import { testKey } from "../journal/ledger.ts";
import type { RunEvent, RunOutcome } from "./outcome.ts";
import { readLastRun } from "./last-run.ts";
import { runGuarded } from "./run.ts";
import { placesIn } from "./state-directory.ts";

/** How a run shares the machine with others. */
export interface CoordinationOptions {
  /** Where the daemon listens for guarded runs. */
  readonly socketPath: string;
  /** Stays the same when the daemon starts the run again. @default a new one */
  readonly leaseId?: string;
  /** Go on when the machine has recovered. @default true */
  readonly restart?: boolean;
  /** How the daemon starts the run when its terminal is gone; undefined: it does not. */
  readonly launch?: LeaseRequest["launch"];
  /** Ports that the run needs to itself, as `CONSTELLATION_PORTS`. @default 0 */
  readonly ports?: number;
}

/**
 * Runs under the daemon of this machine: let in when there is memory, told whether it or another run yields first, and
 * after it was stopped called back when the machine has recovered. Without a daemon it protects itself, and says so.
 *
 * @throws ConstellationError as `runGuarded`; call.cancelled when it was given up before it was let in
 */
export async function runCoordinated(options: RunOptions, coordination: CoordinationOptions): Promise<RunOutcome> {
  const stateDirectory = options.stateDirectory ?? join(options.root, ".constellation/test");
  const note = (text: string): void => options.onEvent?.({ kind: "note", text });
  const guard = identifyProcess(process.pid);
  if (guard === undefined) return runGuarded(options);
  const lease = new DaemonLease({
    socketPath: coordination.socketPath,
    signal: options.signal,
    note,
    request: {
      id: coordination.leaseId ?? randomUUID(),
      guard,
      root: options.root,
      stateDirectory,
      sinceMs: Date.now(),
      expectedBytes: readLastRun(placesIn(stateDirectory).last)?.peakBytes ?? null,
      ports: coordination.ports ?? 0,
      launch: coordination.restart === false ? null : (coordination.launch ?? null),
    },
  });
  try {
    const permission = await lease.enter();
    if (permission === "cancelled")
      throw new ConstellationError("call.cancelled", "The run was given up before the daemon let it in");
    if (permission === "no-daemon") {
      note("no daemon: this run protects itself; `constellation daemon start` lets runs share the machine");
      return await runGuarded({ ...options, lease: await ownLease(coordination.ports ?? 0) });
    }
    // Called back, it goes on: what was to run again runs again once.
    const haveRunAgain = new Set<string>();
    const onEvent = (event: RunEvent): void => {
      if (event.kind === "record" && event.record.kind === "test" && event.record.status === "failed")
        haveRunAgain.add(testKey(event.record));
      options.onEvent?.(event);
    };
    let outcome = await runGuarded({ ...options, lease, onEvent });
    while (outcome.kind === "protected" && coordination.restart !== false) {
      note(`${outcome.reason}: it was stopped, and goes on by itself when the machine has recovered`);
      const again = await parked(lease);
      if (again !== "go") return outcome;
      outcome = await runGuarded({ ...options, resume: true, lease, onEvent, haveRunAgain });
    }
    return outcome;
  } finally {
    await lease.end();
  }
}

/** A run that waits to be called back when its terminal is closed keeps its lease: the daemon starts it again. */
async function parked(lease: DaemonLease): Promise<Permission> {
  const leave = (): void => lease.leave();
  process.once("SIGHUP", leave);
  try {
    return await lease.park();
  } finally {
    process.off("SIGHUP", leave);
  }
}

/** Without a daemon nothing keeps two runs from choosing the same ports: each begins to look somewhere else. */
async function ownLease(count: number): Promise<Lease> {
  const { from, to } = defaultPortRange;
  const ports: number[] = [];
  const first = from + Math.floor(Math.random() * (to - from));
  while (ports.length < count) {
    const except = new Set(ports);
    // What lies before it comes last.
    const found = await findFreePort({ from: first, to, except }).catch(() => findFreePort({ from, to, except }));
    ports.push(found);
  }
  return { ports, shielded: () => [], started: () => undefined, report: () => undefined };
}
