/** How far another app must have come: `healthy` waits for readiness, `completed` for an end with code 0. */
export type DependencyCondition = "started" | "healthy" | "completed";

/** What `app({...})` takes. The daemon refuses unknown settings and says what is wrong with the others. */
export interface AppInput {
  /** 1 to 40 lower case letters, digits and "-", starting with a letter. */
  name: string;
  /** JavaScript or TypeScript file, bundled with its packages. An app needs this or `command`. */
  script?: string | undefined;
  /** Any program and its arguments; `$PORT` and `${NAME}` of the instance's environment are filled in. */
  command?: string[] | undefined;
  /** Arguments of the script. */
  args?: string[] | undefined;
  /** Packages that are left out of the script's bundle, and loaded from the app's folder when it runs: `["express", "@scope/*"]`, `["*"]` for all that are installed. @default those with native code */
  external?: string[] | undefined;
  /** What executes the script; Bun is looked for in the app's folder (npm package `bun`) and then in PATH. @default "node" */
  runtime?: "node" | "bun" | undefined;
  /** Start scripts from a Node that waits, where there is one; `false` for a new process each time. @default true */
  warm?: boolean | undefined;
  /** SHA-256 of the bundled script; set by the client. */
  artifact?: string | undefined;
  /** The app's folder: readable by the instance, and its working folder. A relative path starts from the folder of the file of specs, in code from the working folder. @default that folder */
  folder?: string | undefined;
  /** How many run. @default 1 */
  instances?: number | undefined;
  /** Limits of each instance, enforced by the kernel. */
  resources?: ResourcesInput | undefined;
  /** Environment variables; an instance sees these and what the platform sets, nothing else. */
  env?: Record<string, string> | undefined;
  /** Public port that all instances serve together: a number, one port or several. */
  port?: number | PortInput | PortInput[] | undefined;
  /** One probe for everything, or one for each purpose. */
  health?: ProbeInput | HealthInput | undefined;
  /** What happens when an instance ends. @default "always" */
  restart?: RestartPolicyName | RestartInput | undefined;
  /** How an instance is stopped. */
  stop?: StopInput | undefined;
  /** Apps that must have come up before; a list means healthy. */
  dependsOn?: string[] | Record<string, DependencyCondition> | undefined;
  /** What is kept apart from the rest of the machine: `false` switches off everything that can be. @default all that the machine offers */
  isolation?: boolean | IsolationInput | undefined;
  /** Folders of the machine that the instance may see. */
  mounts?: MountInput[] | undefined;
  /** How much is kept of what instances write. */
  logs?: LogsInput | undefined;
}

/** `resources` of an app. A limit that this machine cannot enforce is refused, unless `bestEffort` is set. */
export interface ResourcesInput {
  /** Cores, 0.5 is half of one; a hard quota. */
  cpu?: number | undefined;
  /** Share under contention, 1 to 10000. @default 100 */
  cpuWeight?: number | undefined;
  /** Hard limit, like `"256MB"`, at least 1 MB. The kernel ends a process that needs more: the program itself ends with reason `oom`; of what it started the event `instance.oom` tells. */
  memory?: string | number | undefined;
  /** Processes and threads together; `"unlimited"` for no bound. @default 4096, where the machine can bound them */
  pids?: number | "unlimited" | undefined;
  /** File descriptors of each process. */
  openFiles?: number | undefined;
  /** Quota of the private data folder, like `"1GB"`; at least 8.4 MB where it is a disk image, 4096 bytes where the file system counts it (project quotas), and then one file for each 4 KiB. */
  disk?: string | number | undefined;
  /** Bandwidth like `"50Mbit"`, one figure for both directions or one for each. */
  network?: string | { in?: string | undefined; out?: string | undefined } | undefined;
  /** Rate of the disk that holds the data folder. */
  io?: IoInput | undefined;
  /** Report a limit that cannot be enforced instead of refusing the app. @default false */
  bestEffort?: boolean | undefined;
}

/** `resources.io` of an app. */
export interface IoInput {
  /** Bytes read in a second, like `"20MB/s"`. */
  read?: string | undefined;
  /** Bytes written in a second, like `"20MB/s"`. */
  write?: string | undefined;
  /** Reads in a second. */
  readOps?: number | undefined;
  /** Writes in a second. */
  writeOps?: number | undefined;
}

/** One public port. */
export interface PortInput {
  /** Name in the environment (`<NAME>_PORT`). @default "http" for a single port */
  name?: string | undefined;
  /** Port that the users of the app connect to. */
  public: number;
  /** Port that the program listens on by itself; without it the program is told by `PORT`. */
  target?: number | undefined;
  /** Another word for `target`. */
  container?: number | undefined;
  /** Address that the public port is bound to. @default "127.0.0.1" */
  address?: string | undefined;
  /** `inherit`: instances share one listening socket; `forward`: a forwarder stands before them; `auto`: a socket for Node on the machine's network. @default "auto" */
  socket?: "auto" | "inherit" | "forward" | undefined;
}

/** One probe: exactly one of `http`, `tcp`, `exec`, `logLine`. Parameters mean what they mean in Kubernetes. */
export interface ProbeInput {
  /** Path that must answer with a status of 200 to 399. */
  http?:
    | string
    | { path: string; port?: string | number | undefined; headers?: Record<string, string> | undefined }
    | undefined;
  /** Port that must accept a connection; `true` is the app's first one. */
  tcp?: true | string | number | undefined;
  /** Program inside the instance that must end with code 0. */
  exec?: string[] | undefined;
  /** Regular expression of a line that says that it is up. */
  logLine?: string | undefined;
  /** Wait after the start before the first probe. @default "0" */
  initialDelay?: string | undefined;
  /** Time between probes. @default "10s" */
  period?: string | undefined;
  /** Time one probe may take. @default "1s" */
  timeout?: string | undefined;
  /** Successes in a row that count as up. @default 1 */
  successThreshold?: number | undefined;
  /** Failures in a row that count as down. @default 3 */
  failureThreshold?: number | undefined;
}

/** Probes for each purpose. */
export interface HealthInput {
  /** Holds the other two back until it has succeeded. */
  startup?: ProbeInput | undefined;
  /** Decides whether the instance gets connections. */
  readiness?: ProbeInput | undefined;
  /** Decides whether the instance is restarted. */
  liveness?: ProbeInput | undefined;
}

/** Which ends of an instance are followed by a new start. */
export type RestartPolicyName = "always" | "on-failure" | "never";

/** `restart` of an app. */
export interface RestartInput {
  /** @default "always" */
  policy?: RestartPolicyName | undefined;
  /** Delays between restarts in a row. */
  backoff?: BackoffInput | undefined;
  /** Give up after this many restarts within `period`; without it an instance is restarted for ever. */
  intensity?: number | undefined;
  /** @default "1m" */
  period?: string | undefined;
  /** Time an instance must run to count as stable and start again without delay. @default "30s" */
  resetAfter?: string | undefined;
}

/** `restart.backoff` of an app. */
export interface BackoffInput {
  /** Delay before the second restart in a row; the first is immediate. @default "100ms" */
  initial?: string | undefined;
  /** Longest delay. @default "30s" */
  max?: string | undefined;
  /** What each delay is multiplied by. @default 2 */
  factor?: number | undefined;
  /** Part of the delay that is random, 0 to 1. @default 0.2 */
  jitter?: number | undefined;
}

/** `stop` of an app. */
export interface StopInput {
  /** Signal that asks the instance to end. @default "SIGTERM" */
  signal?: "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGHUP" | "SIGUSR1" | "SIGUSR2" | undefined;
  /** Time it has until its whole tree is killed. @default "10s" */
  grace?: string | undefined;
}

/**
 * `isolation` of an app. A part that is `true` is refused where the machine cannot do it. `mount` and `readOnlyRoot` are had
 * together or not at all.
 */
export interface IsolationInput {
  /** Process numbers of its own. */
  pid?: boolean | undefined;
  /** A file tree of its own, read-only but for /data, /tmp and what is mounted; without it an instance sees the machine's files. */
  mount?: boolean | undefined;
  /** Shared memory and queues of its own. */
  ipc?: boolean | undefined;
  /** A host name of its own. */
  uts?: boolean | undefined;
  /** Sees only its own control group. */
  cgroup?: boolean | undefined;
  /** Users of its own. */
  user?: boolean | undefined;
  /** `private`: own addresses and a way out; `none`: loopback only; `host`: the machine's network. */
  network?: "private" | "none" | "host" | undefined;
  /** The default system call filter. */
  seccomp?: boolean | undefined;
  /** System folders cannot be written to. `false` takes the whole file tree of its own away, as `mount: false` does: the instance has the machine's / and /tmp. */
  readOnlyRoot?: boolean | undefined;
  /** Size of the private /tmp; at least 4096 bytes. @default "64MB" */
  tmp?: string | number | undefined;
}

/** A folder or file of the machine seen by an instance. */
export interface MountInput {
  /** Path on the machine; a relative one starts from the folder of the file of specs, in code from the working folder. */
  source: string;
  /** Absolute path inside; in the machine's system folders, in the app's and in those of other mounts one that is there. */
  target: string;
  /** `true` is refused where the instance has no file tree of its own. @default true */
  readOnly?: boolean | undefined;
}

/** `logs` of an app, for each instance. */
export interface LogsInput {
  /** Size of one file. @default "10MB" */
  maxSize?: string | number | undefined;
  /** Files kept. @default 5 */
  maxFiles?: number | undefined;
  /** Age at which a file goes. @default "7d" */
  maxAge?: string | undefined;
}
