import { readdirSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import {
  clearOrphanPorts,
  type CoordinationSettings,
  defaultCoordination,
  defaultPortRange,
  type GlobalConfig,
  rangeOfUser,
  onLines,
  type OrphanPort,
  reapRun,
} from "@constellation/guard";
import { type LeaseAnswer, type LeaseCall, leaseCallSchema, leaseLineBytes } from "@constellation/contract";
import { isProcessAlive, listListeners } from "@constellation/host";
import { claimSocket } from "../api/index.ts";
import { GuardDesk, type Wire } from "./desk.ts";
import { launchAgain } from "./launch.ts";
import { LeaseRecords } from "./lease-record.ts";
import { MachineMemory } from "./machine-memory.ts";
import { PeerProof } from "./peer.ts";

export interface GuardServiceOptions {
  readonly socketPath: string;
  /** Where leases are kept; it must end with the boot. */
  readonly folder: string;
  /** The machine's settings; only what is said of the guard counts here. */
  readonly config: GlobalConfig;
  readonly report: (text: string, error?: unknown) => void;
}

/** The desk, open for runs. */
export interface GuardService {
  /** Lets go of all runs: they protect themselves from now on. */
  close(): Promise<void>;
}

const tickMs = 1000;
const portsEveryMs = 10_000;
/** A peer must have said who it is by then. */
const introductionMs = 5000;
const maxConnections = 256;

/** Opens the socket for guarded runs. @throws ConstellationError as the API's socket */
export async function openGuardService(options: GuardServiceOptions): Promise<GuardService> {
  const { folder, report } = options;
  const records = new LeaseRecords(folder);
  for (const name of readdirSync(folder)) if (name.startsWith("proof-")) rmSync(join(folder, name), { force: true });
  const memory = new MachineMemory();
  memory.hasKilled();
  const desk = new GuardDesk({
    settings: settingsFrom(options.config),
    ports: rangeOfUser(options.config.guard?.ports ?? defaultPortRange, process.getuid?.() ?? 0),
    nowMs: () => performance.now(),
    memory: () => memory.read(),
    hasKilled: () => memory.hasKilled(),
    isAlive: (process) => isProcessAlive(process),
    // Whoever listens: looking into all processes takes long.
    portsInUse: () => new Set(listListeners({ pids: [] }).map(({ port }) => port)),
    reap: async ({ attempt }) => {
      if (attempt === undefined) return;
      const { tookMs, swept } = await reapRun(attempt.run, attempt.group ?? undefined);
      report(`cleaned up after guarded run ${attempt.run} in ${Math.round(tookMs)} ms, ${swept} stray process(es)`);
    },
    launch: launchAgain,
    records,
    report,
  });
  const { records: inherited, unreadable } = records.load();
  if (unreadable > 0) report(`${unreadable} lease(s) of guarded runs could not be read`);
  // A full disk, a folder that somebody took away: what a guarded run says must not end what watches over instances.
  const safely = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch (error) {
      report("the desk of guarded runs", error);
      return false;
    }
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    serve(socket, desk, { folder, safely });
  });
  server.maxConnections = maxConnections;
  await claimSocket(server, options.socketPath);
  desk.inherit(inherited);
  const reportCleared = (cleared: readonly OrphanPort[]): void => {
    for (const { port, pids } of cleared) report(`freed port ${port} of a dead guarded run: pid ${pids.join(", ")}`);
  };
  const clearPorts = (): void => {
    if (options.config.guard?.clearPorts === false) return;
    void clearOrphanPorts().then(reportCleared, (error: unknown) => report("ports of dead guarded runs", error));
  };
  // Looking through all processes takes time that a starting daemon owes to its caller.
  const clearingOnce = setTimeout(clearPorts, 1000);
  const ticking = setInterval(() => safely(() => desk.tick()), tickMs);
  const clearing = setInterval(() => {
    if (!desk.isEmpty) clearPorts();
  }, portsEveryMs);
  return {
    async close() {
      clearInterval(ticking);
      clearInterval(clearing);
      clearTimeout(clearingOnce);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await desk.settle();
      memory.close();
    },
  };
}

function settingsFrom({ guard = {} }: GlobalConfig): CoordinationSettings {
  return {
    resumeShare: guard.resumeAt ?? defaultCoordination.resumeShare,
    resumeHeldMs: guard.resumeHeld ?? defaultCoordination.resumeHeldMs,
    pauseMs: guard.pause ?? defaultCoordination.pauseMs,
    admitShare: guard.admitAt ?? defaultCoordination.admitShare,
  };
}

/** One connection: it introduces itself, proves it, and is heard from then on. */
function serve(
  socket: Socket,
  desk: GuardDesk,
  { folder, safely }: { readonly folder: string; readonly safely: (act: () => void) => boolean },
): void {
  let id: string | undefined;
  let asked: { readonly call: Extract<LeaseCall, { kind: "lease" }>; readonly proof: PeerProof } | undefined;
  const wire: Wire = {
    say: (answer: LeaseAnswer) => {
      if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
    },
    close: () => void socket.end(),
  };
  const limit = setTimeout(() => socket.destroy(), introductionMs);
  socket.once("close", () => {
    clearTimeout(limit);
    safely(() => {
      asked?.proof.drop();
      if (id !== undefined) desk.lost(id, wire);
    });
  });
  const hear = (line: string): void => {
    const call = parse(line);
    if (call === undefined) return refuse(wire, "what was said is no call of this version");
    if (call.kind === "list") {
      wire.say({ kind: "runs", runs: desk.list() });
      return wire.close();
    }
    if (id !== undefined) return desk.hear(id, call);
    if (call.kind === "lease" && asked === undefined) {
      asked = { call, proof: new PeerProof(folder) };
      return wire.say({ kind: "prove", path: asked.proof.path });
    }
    if (call.kind !== "proven" || asked === undefined) return refuse(wire, "it did not introduce itself");
    const isHeld = asked.proof.isHeldBy(asked.call.guard);
    asked.proof.drop();
    if (!isHeld) return refuse(wire, `it is not process ${asked.call.guard.pid}`);
    clearTimeout(limit);
    // Whoever is refused speaks for no run, least of all for the one that holds the lease.
    if (desk.enter(asked.call, wire)) id = asked.call.id;
  };
  onLines(socket, leaseLineBytes, (line) => {
    if (!safely(() => hear(line))) refuse(wire, "the daemon could not do it; its log says why");
  });
}

function refuse(wire: Wire, reason: string): void {
  wire.say({ kind: "refused", reason });
  wire.close();
}

function parse(line: string): LeaseCall | undefined {
  try {
    const parsed = leaseCallSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
