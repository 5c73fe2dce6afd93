import { readlinkSync } from "node:fs";
import {
  environmentEntry,
  isProcessAlive,
  listListeners,
  listPids,
  signalProcess,
  type PortListener,
} from "@constellation/host";
import { markerName } from "../run/marker.ts";
import { readHolder } from "../run/state-directory.ts";

/** A port that a dead run still holds. */
export interface OrphanPort {
  readonly port: number;
  readonly pids: readonly number[];
  readonly run: string;
}

/** Name of the environment entry that says where a run keeps its state. */
const stateName = "CONSTELLATION_GUARD_STATE";

/**
 * Ports whose owners belong to a guarded run that nobody guards any more: they carry a run's marker, and the folder of its
 * state names no living guard of that run.
 */
export function orphanPorts(): OrphanPort[] {
  return found().map(({ port, run, owners }) => ({ port, run, pids: owners.map(({ identity }) => identity.pid) }));
}

/** Ends the owners of orphan ports; nobody else. */
export async function clearOrphanPorts(): Promise<OrphanPort[]> {
  const orphans = found();
  for (const { owners } of orphans) for (const { identity } of owners) signalProcess(identity, "SIGKILL");
  const ports = orphans.map(({ port }) => port);
  const inodes = new Set(orphans.map(({ inode }) => inode));
  // A process counts as dead before its last thread has let go of its sockets.
  for (const until = performance.now() + 2000; inodes.size > 0 && performance.now() < until;) {
    if (!listListeners({ ports, pids: [] }).some(({ inode }) => inodes.has(inode))) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return orphans.map(({ port, run, owners }) => ({ port, run, pids: owners.map(({ identity }) => identity.pid) }));
}

function found(): (Pick<PortListener, "port" | "inode" | "owners"> & { readonly run: string })[] {
  if (process.platform !== "linux") return [];
  // Environments are read ten times as fast as descriptors are joined with sockets, and mostly nobody is marked.
  const pids = listPids().filter((pid) => hasOurNumbers(pid) && environmentEntry(pid, markerName) !== undefined);
  if (pids.length === 0) return [];
  return listListeners({ markerName, pids }).flatMap(({ port, inode, owners }) => {
    const run = owners[0]?.marker;
    if (run === undefined || !owners.every(({ marker }) => marker === run)) return [];
    return owners.some(({ identity }) => isGuarded(identity.pid, run)) ? [] : [{ port, inode, run, owners }];
  });
}

/** Instances and containers have process numbers of their own: nothing that they say is a run's. */
function hasOurNumbers(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === readlinkSync("/proc/self/ns/pid");
  } catch {
    return false; // it has ended, or is not ours to look into
  }
}

/** Whether the guard of the run that a process belongs to is alive; when that cannot be told it counts as guarded. */
function isGuarded(pid: number, run: string): boolean {
  const state = environmentEntry(pid, stateName);
  if (state === undefined) return true;
  const holder = readHolder(state);
  return holder !== undefined && holder.run === run && isProcessAlive(holder.guard);
}
