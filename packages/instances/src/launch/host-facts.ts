import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { arch } from "node:process";

/** What a plan must know about this machine; read once, valid until the machine changes its mounts. */
export interface HostFacts {
  readonly architecture: "x64" | "arm64";
  readonly uid: number;
  readonly gid: number;
  /** Has the capabilities to mount, change users and make namespaces without a user namespace. */
  readonly privileged: boolean;
  /** Can at least run programs as other users (root in an ordinary container). */
  readonly changesUsers: boolean;
  /** How much later than others the kernel ends us for want of memory (proc(5), oom_score_adj): what we start inherits it. */
  readonly oomScoreAdjustment: number;
  /** The system folders in "/"; a private root shows these and nothing else of this machine. */
  readonly rootEntries: readonly RootEntry[];
  /** Mount points of real files below the visible system folders. */
  readonly submounts: readonly string[];
  /** Where /etc/resolv.conf leads when it is a link out of /etc. */
  readonly resolver: string | null;
  /** Paths in /proc that exist here and are covered, and those that become read-only. */
  readonly maskedProc: readonly ProcPath[];
  readonly readOnlyProc: readonly string[];
}

export type RootEntry =
  /** A system folder that instances see read-only. */
  | { readonly kind: "visible"; readonly name: string }
  | { readonly kind: "link"; readonly name: string; readonly target: string };

export interface ProcPath {
  readonly path: string;
  readonly directory: boolean;
}

/**
 * Top-level folders that hold programs and their configuration. Everything else (/home, /root, /run, /var, /srv, /mnt,
 * whatever this machine keeps in "/") does not exist inside: an allow list cannot forget a folder that somebody invents later.
 */
const visibleFolders = /^(?:bin|sbin|lib|lib32|lib64|libx32|usr|etc|opt|nix|gnu)$/u;

/** What Docker and Podman cover in /proc (containers/common, defaultMaskedPaths and defaultReadonlyPaths). */
const masked = [
  "acpi",
  "asound",
  "interrupts",
  "kcore",
  "keys",
  "latency_stats",
  "sched_debug",
  "scsi",
  "timer_list",
  "timer_stats",
];
const readOnly = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

// Numbers of capabilities (capabilities(7)): to change users SETGID, SETUID and SETPCAP; to do everything SYS_ADMIN and
// MKNOD besides.
const toChangeUsers = [6, 7, 8];
const toDoEverything = [...toChangeUsers, 21, 27];

/** Reads this machine's facts. */
export function readHostFacts(): HostFacts {
  const capabilities = effectiveCapabilities(readFileSync("/proc/self/status", "latin1"));
  return {
    architecture: arch === "arm64" ? "arm64" : "x64",
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    privileged: toDoEverything.every((bit) => capabilities.has(bit)),
    changesUsers: toChangeUsers.every((bit) => capabilities.has(bit)),
    oomScoreAdjustment: Number(readFileSync("/proc/self/oom_score_adj", "latin1")),
    rootEntries: readdirSync("/").flatMap(rootEntry),
    submounts: submountsOf(readFileSync("/proc/self/mountinfo", "latin1")),
    resolver: resolverOutsideEtc(),
    maskedProc: masked.flatMap((name) => {
      const path = `/proc/${name}`;
      return existsSync(path) ? [{ path, directory: lstatSync(path).isDirectory() }] : [];
    }),
    readOnlyProc: readOnly.map((name) => `/proc/${name}`).filter((path) => existsSync(path)),
  };
}

function effectiveCapabilities(status: string): ReadonlySet<number> {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/mu.exec(status)?.[1] ?? "0"}`);
  return new Set(Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => ((effective >> BigInt(bit)) & 1n) === 1n));
}

function rootEntry(name: string): RootEntry[] {
  if (!visibleFolders.test(name)) return [];
  const stat = lstatSync(`/${name}`);
  if (stat.isSymbolicLink()) return [{ kind: "link", name, target: readlinkSync(`/${name}`) }];
  return stat.isDirectory() ? [{ kind: "visible", name }] : [];
}

/** Mount points below the visible folders, parents before children (proc(5), /proc/pid/mountinfo). */
function submountsOf(mountinfo: string): string[] {
  const points = mountinfo.split("\n").flatMap((line) => {
    const point = line
      .split(" ")[4]
      ?.replaceAll(/\\(\d{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return point !== undefined && /^\/[^/]+\/./u.test(point) && visibleFolders.test(point.split("/")[1] ?? "")
      ? [point]
      : [];
  });
  return [...new Set(points)].sort();
}

function resolverOutsideEtc(): string | null {
  if (lstatSync("/etc/resolv.conf", { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
  if (!existsSync("/etc/resolv.conf")) return null;
  const target = realpathSync("/etc/resolv.conf");
  return target.startsWith("/etc/") ? null : target;
}
