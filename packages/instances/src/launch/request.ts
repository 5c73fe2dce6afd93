import type { JoinTarget } from "@constellation/host";
import type { InheritedSocket } from "../ports/environment.ts";
import type { NetworkRequest } from "./network/network-request.ts";
import type { DataFolder } from "./disk/data-folder.ts";

/** Everything needed to start one instance; sizes in bytes, times in milliseconds. */
export interface LaunchRequest {
  readonly identity: LaunchIdentity;
  /** Program and arguments. Without a slash the program is looked up along `env.PATH` inside the instance. */
  readonly argv: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory inside the instance. */
  readonly cwd: string;
  /** Existing folder of this run, for records and FIFOs (see records/instance-folder.ts). */
  readonly instanceDir: string;
  /** Where the output goes; null throws it away. */
  readonly log: LogTarget | null;
  readonly isolation: Isolation;
  readonly user: InstanceUser;
  /** What the private root shows of this machine besides system folders. Unused without `isolation.root`. */
  readonly binds: readonly Bind[];
  /** Further writable folders in memory. */
  readonly memoryFolders: readonly MemoryFolder[];
  readonly data: DataFolder | null;
  /** Size of the private /tmp. */
  readonly tmpBytes: number;
  /** Size of /dev/shm. */
  readonly sharedMemoryBytes: number;
  readonly rlimits: ResourceLimits;
  /**
   * Control groups made beforehand: the instance moves itself there before it does anything else (`tasks`, version 1)
   * or is created inside (`directory`, version 2, a fresh one per start).
   */
  readonly cgroups: readonly JoinTarget[];
  readonly network: NetworkRequest;
  /** Listening sockets and the descriptors as which the program gets them. `LISTEN_PID` is added when `env` has only `LISTEN_FDS`. */
  readonly sockets: readonly InheritedSocket[];
  /** Files that the supervisor opens for reading, and the descriptors as which the program gets them. @default none */
  readonly files?: readonly InheritedFile[];
  /** The launch fails when the program has not begun by then. */
  readonly startTimeoutMs: number;
}

/** A file that is passed on as an open descriptor. */
export interface InheritedFile {
  /** Path on this machine. */
  readonly path: string;
  readonly fd: number;
}

export interface LaunchIdentity {
  /** For messages: "web.2". */
  readonly name: string;
  readonly hostname: string;
}

export interface LogTarget {
  /** The live file; rotated ones are called `path.1` (newest) to `path.N`. */
  readonly path: string;
  /** Rotation happens before a file would outgrow this. */
  readonly maxBytes: number;
  readonly rotatedFiles: number;
  /** Longer lines are split into entries tagged P. 256 to 32767. */
  readonly maxLineBytes: number;
}

/** The parts of the isolation, each a switch. */
export interface Isolation {
  /** Own process numbers; the death of its init kills every descendant. */
  readonly pid: boolean;
  /** Own file tree: read-only system folders, private /tmp, minimal /dev, masked /proc. Needs `mount` support. */
  readonly root: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly cgroup: boolean;
  readonly dropCapabilities: boolean;
  readonly noNewPrivileges: boolean;
  /** Abstract Unix sockets of others are out of reach, as in a network of its own they are anyway. Needs Linux 6.12. */
  readonly ownSockets: boolean;
  /** Processes of others get no signal from it, as with process numbers of its own they do not anyway. Needs Linux 6.12. */
  readonly ownSignals: boolean;
  /** The default profile, none, or filter instructions of one's own (classic BPF). */
  readonly seccomp: "default" | "off" | Uint8Array;
  /** "hidden" is an empty /sys; "read-only" mounts a fresh sysfs (needs a network namespace). */
  readonly sys: "hidden" | "read-only";
  /** A private terminal multiplexer, so that `exec` with a terminal shows a name. */
  readonly terminals: boolean;
}

/** As whom the program runs. */
export type InstanceUser =
  /** An unprivileged user of its own; needs a root daemon. */
  | { readonly kind: "own"; readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** A user namespace that maps one user and group; `outside` is the daemon's own user when it is not root. */
  | {
      readonly kind: "namespace";
      readonly insideUid: number;
      readonly insideGid: number;
      readonly outsideUid: number;
      readonly outsideGid: number;
    }
  /** Whoever runs the daemon: no protection of that user's files. */
  | { readonly kind: "same" };

export interface Bind {
  /** Path on this machine. */
  readonly source: string;
  /** Path inside; @default the same */
  readonly target?: string;
  readonly writable: boolean;
  /** The source is known to be a folder; @default it is looked at */
  readonly folder?: boolean;
}

export interface MemoryFolder {
  readonly path: string;
  readonly bytes: number;
}

/** Limits per process (setrlimit(2)). Each is capped by the hard limit that the launcher itself has. */
export interface ResourceLimits {
  readonly openFiles?: number;
  readonly processes?: number;
  readonly fileBytes?: number;
  readonly addressSpaceBytes?: number;
  readonly stackBytes?: number;
  readonly lockedMemoryBytes?: number;
  /** @default 0 */
  readonly coreBytes?: number;
}

/** Full isolation: the default of every instance. */
export const fullIsolation: Isolation = {
  pid: true,
  root: true,
  ipc: true,
  uts: true,
  cgroup: true,
  dropCapabilities: true,
  noNewPrivileges: true,
  ownSockets: false,
  ownSignals: false,
  seccomp: "default",
  sys: "hidden",
  terminals: true,
};

/** No isolation at all: an ordinary child process with logs and a supervisor. */
export const noIsolation: Isolation = {
  pid: false,
  root: false,
  ipc: false,
  uts: false,
  cgroup: false,
  dropCapabilities: false,
  noNewPrivileges: false,
  ownSockets: false,
  ownSignals: false,
  seccomp: "off",
  sys: "hidden",
  terminals: false,
};
