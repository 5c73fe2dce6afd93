import { readdirSync, readlinkSync } from "node:fs";
import { HostError } from "../failure.ts";
import { environmentEntry } from "../proc/environment-marker.ts";
import { identifyProcess } from "../proc/identity.ts";
import { commandLineOf, listPids } from "../proc/process-list.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { systemRoots, type HostRoots } from "../roots.ts";
import { listMacosListeners } from "./macos-listeners.ts";
import type { PortListener, PortOwner } from "./port-listener.ts";
import { parseSocketTable } from "./socket-table.ts";

/** What to look at. */
export interface ListenerOptions {
  /** Only these ports. @default all */
  readonly ports?: readonly number[];
  /** Only these processes are looked into for owners (a tree that is known costs far less than all). @default all */
  readonly pids?: readonly number[];
  /** Environment entry that tells an owner of ours. */
  readonly markerName?: string;
  /** A process in the network namespace to look into. @default our own namespace */
  readonly namespacePid?: number;
  readonly roots?: HostRoots;
}

/** Lists listening TCP sockets with the processes that hold them. @throws HostError platform-unsupported */
export function listListeners(options: ListenerOptions = {}): PortListener[] {
  const roots = options.roots ?? systemRoots;
  if (process.platform === "darwin" && roots === systemRoots) return listMacosListeners(options.ports);
  if (process.platform !== "linux" && roots === systemRoots)
    throw new HostError(
      "platform-unsupported",
      `Cannot list listening ports on "${process.platform}": wanted linux or darwin`,
    );
  const of = options.namespacePid ?? "self";
  const sockets = (["tcp", "tcp6"] as const).flatMap((table) =>
    parseSocketTable(readKernelFileIfPresent(`${roots.proc}/${of}/net/${table}`) ?? "", table === "tcp" ? 4 : 6),
  );
  const wanted = options.ports === undefined ? sockets : sockets.filter((each) => options.ports?.includes(each.port));
  if (wanted.length === 0) return [];
  const holders = holdersOf(new Set(wanted.map((each) => each.inode)), options.pids ?? listPids(roots), roots);
  return wanted.map((socket) => ({
    ...socket,
    owners: (holders.get(socket.inode) ?? []).flatMap((pid) => ownerOf(pid, options.markerName, roots)),
  }));
}

/** Joins socket inodes to the processes whose descriptors name them. */
function holdersOf(inodes: ReadonlySet<number>, pids: readonly number[], roots: HostRoots): Map<number, number[]> {
  const holders = new Map<number, number[]>();
  for (const pid of pids) {
    for (const inode of socketInodesOf(pid, roots)) {
      if (!inodes.has(inode)) continue;
      const found = holders.get(inode) ?? [];
      if (found.length === 0) holders.set(inode, found);
      if (!found.includes(pid)) found.push(pid);
    }
  }
  return holders;
}

function socketInodesOf(pid: number, roots: HostRoots): number[] {
  const directory = `${roots.proc}/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/${name}`))?.[1];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      return [];
    }
  });
}

function ownerOf(pid: number, markerName: string | undefined, roots: HostRoots): PortOwner[] {
  const identity = identifyProcess(pid, roots);
  if (identity === undefined) return [];
  const commandLine = commandLineOf(pid, roots);
  if (markerName === undefined) return [{ identity, commandLine }];
  const marker = environmentEntry(pid, markerName, roots);
  return [{ identity, commandLine, ...(marker === undefined ? {} : { marker }) }];
}
