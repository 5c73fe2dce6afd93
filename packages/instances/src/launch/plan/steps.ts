import { posix } from "node:path";
import type { LogTarget } from "../request.ts";
import { STAGING } from "./staging.ts";
import { cloneFlags, mountFlags, scopes } from "./linux.ts";
import type { Argument, Step, TextOffset } from "./plan.ts";
import type { StepName } from "./step-kinds.ts";

/** The vocabulary of plans: one function per kind of step, each with its sentence for people. */
export const steps = {
  supervise: (instanceDir: string, startTimeoutMs: number, withoutPidNamespace: boolean): Step =>
    step(
      "SUPERVISE",
      [instanceDir, startTimeoutMs, withoutPidNamespace ? 1 : 0],
      () => `become the supervisor of ${instanceDir}`,
    ),

  log: (log: LogTarget): Step =>
    step(
      "LOG",
      [posix.dirname(log.path), posix.basename(log.path), log.maxBytes, log.rotatedFiles, log.maxLineBytes],
      () => `log to ${log.path} (${log.maxBytes} bytes, ${log.rotatedFiles} rotated files)`,
    ),

  session: (terminal: boolean): Step =>
    step("SESSION", [terminal ? 1 : 0], () => "serve a session on standard input and output"),
  openTerminal: (multiplexer: string, rows: number, columns: number): Step =>
    step("PTY", [multiplexer, rows, columns], () => `open a terminal of ${rows} by ${columns} by ${multiplexer}`),

  open: (slot: number, path: string, flags: number, mode = 0): Step =>
    step("OPEN", [slot, path, flags, mode], () => `open ${path}`),
  writeFile: (path: string, content: string, flags = 0, mode = 0): Step =>
    step("WRITE_FILE", [path, Buffer.from(content), flags, mode], () =>
      content === "" ? `create ${path}` : `write ${JSON.stringify(content)} to ${path}`,
    ),
  writeSlot: (slot: number, content: string, path: string): Step =>
    step("WRITE_SLOT", [slot, Buffer.from(content)], () => `write ${JSON.stringify(content)} to ${path}`),
  ask: (slot: number, path: string, request: string, timeoutMs: number): Step =>
    step("ASK", [slot, path, Buffer.from(request), timeoutMs], () => `ask for a listening socket at ${path}`),
  receive: (slot: number, path: string): Step =>
    step("RECEIVE", [slot], () => `receive a listening socket from ${path}`),
  copy: (slot: number, from: number): Step => step("COPY", [slot, from], () => "take it once more"),
  killWith: (slot: number, path: string, kind: "cgroup.kill" | "tasks"): Step =>
    step("KILL_WITH", [slot, kind === "cgroup.kill" ? 1 : 2], () => `end everything through ${path}`),

  clone: (flags: number, cgroupSlot: number | null, parentSteps: number): Step =>
    step(
      "CLONE",
      [flags, cgroupSlot === null ? 0 : cgroupSlot + 1, parentSteps],
      () => `clone with ${namespaceNames(flags)}`,
    ),
  newUser: (inside: { uid: number; gid: number }, outside: { uid: number; gid: number }): Step =>
    step(
      "NEW_USER",
      [inside.uid, inside.gid, outside.uid, outside.gid],
      () => `become user ${outside.uid}, group ${outside.gid}, as ${inside.uid}:${inside.gid} of a user namespace`,
    ),
  waitParent: (): Step => step("WAIT_PARENT", [], () => "wait for the supervisor's steps"),
  unshare: (flags: number): Step => step("UNSHARE", [flags], () => `unshare ${namespaceNames(flags)}`),
  openProcess: (slot: number, pid: number, startTicks: bigint): Step =>
    step("OPEN_PROCESS", [slot, pid, startTicks], () => `open process ${pid} (started at tick ${startTicks})`),
  enter: (slot: number, flags: number): Step => step("ENTER", [slot, flags], () => `enter ${namespaceNames(flags)}`),
  init: (): Step => step("INIT", [], () => "leave a reaping init behind"),
  waitPlan: (): Step => step("WAIT_PLAN", [], () => "wait for the command"),
  standBy: (descriptors: number): Step =>
    step("STAND_BY", [descriptors], () => `keep the program waiting, with ${descriptors} descriptors for it`),
  join: (flags: number): Step => step("JOIN", [flags], () => `enter ${namespaceNames(flags)} of the waiting program`),
  begin: (): Step => step("BEGIN", [], () => "let the waiting program begin"),
  title: (whom: string): Step => step("TITLE", [whom], () => `show in ps whom it supervises: ${whom}`),
  tell: (paper: string): Step =>
    step("TELL", [Buffer.from(paper)], () => `tell the waiting program what it becomes (${paper.length} characters)`),
  handOver: (): Step => step("HAND_OVER", [], () => "hand over to the waiting process"),
  newSession: (): Step => step("NEW_SESSION", [], () => "start a session without terminal"),

  mkdir: (path: string, mode: number): Step => step("MKDIR", [path, mode], () => `make folder ${shown(path)}`),
  symlink: (target: string, path: string): Step =>
    step("SYMLINK", [target, path], () => `link ${shown(path)} to ${target}`),
  mknod: (path: string, mode: number, device: number): Step =>
    step("MKNOD", [path, mode, device], () => `make device ${shown(path)} (${device >> 8}:${device & 255})`),

  mount: (source: string, target: string, type: string, flags: number, data: string | null): Step =>
    step(
      "MOUNT",
      [source, target, type, flags, data],
      () => `mount ${type} on ${shown(target)}${options(flags, data)}`,
    ),
  bind: (source: string, target: string, recursive: boolean): Step =>
    step(
      "MOUNT",
      [source, target, null, mountFlags.bind | (recursive ? mountFlags.recursive : 0), null],
      () => `bind ${shown(source)} on ${shown(target)}`,
    ),
  remountBind: (target: string, flags: number): Step =>
    step(
      "MOUNT",
      [null, target, null, flags | mountFlags.bind | mountFlags.remount, null],
      () => `remount ${shown(target)}${options(flags, null)}`,
    ),
  privateMounts: (): Step =>
    step("MOUNT", [null, "/", null, mountFlags.recursive | mountFlags.private, null], () => "make all mounts private"),
  tree: (slot: number, path: string, recursive: boolean): Step =>
    step("TREE", [slot, path, recursive ? 1 : 0], () => `take the mount at ${path}`),
  restrict: (path: string, attributes: number, recursive: boolean): Step =>
    step(
      "TREE_ATTRIBUTES",
      [path, attributes, recursive ? 1 : 0],
      () => `restrict ${shown(path)}${options(attributes, null)}${recursive ? " and below" : ""}`,
    ),
  place: (slot: number, path: string, what: string): Step =>
    step("PLACE", [slot, path], () => `place ${what} on ${shown(path)}`),
  image: (slot: number, path: string, filesystem: string, attributes: number): Step =>
    step("IMAGE", [slot, path, filesystem, attributes], () => `mount the ${filesystem} image ${path}`),
  pivot: (path: string): Step => step("PIVOT", [path], () => "make the prepared tree the root"),
  leaveOldRoot: (): Step => step("LEAVE_OLD_ROOT", [], () => "detach the old root"),
  chdir: (path: string): Step => step("CHDIR", [path], () => `go to ${path}`),
  umask: (mask: number): Step => step("UMASK", [mask], () => `set umask ${mask.toString(8).padStart(4, "0")}`),

  hostname: (name: string): Step => step("HOSTNAME", [name], () => `name the host ${name}`),
  netlink: (message: Uint8Array, childPidAt: number | null, says: string): Step =>
    step("NETLINK", [message, childPidAt ?? 0], () => says),

  rlimit: (resource: number, name: string, value: number | bigint): Step =>
    step("RLIMIT", [resource, value, value], () => `limit ${name} to ${value}`),
  bounding: (keep: bigint): Step => step("BOUNDING", [keep], () => "empty the capability bounding set"),
  capabilities: (keep: bigint): Step => step("CAPABILITIES", [keep], () => "drop all capabilities"),
  ids: (uid: number, gid: number, groups: readonly number[]): Step =>
    step("IDS", [uid, gid, new Uint8Array(Uint32Array.from(groups).buffer)], () => `become user ${uid}, group ${gid}`),
  noNewPrivileges: (): Step => step("NO_NEW_PRIVILEGES", [], () => "forbid new privileges"),
  seccomp: (filter: Uint8Array): Step =>
    step("SECCOMP", [filter], () => `filter system calls (${filter.length / 8} instructions)`),
  scope: (what: number): Step => step("SCOPE", [what], () => `reach only its own ${scopeNames(what)}`),
  inherit: (slot: number, descriptor: number): Step =>
    step("INHERIT", [slot, descriptor], () => `pass it as descriptor ${descriptor}`),
  exec: (
    candidates: readonly string[],
    argv: readonly string[],
    env: readonly string[],
    pid: TextOffset | null,
  ): Step =>
    step(
      "EXEC",
      [candidates, argv, env, pid ?? 0],
      () => `execute ${argv.map(quoted).join(" ")} (${env.length} variables)`,
    ),
};

function step(name: StepName, args: readonly Argument[], say: () => string): Step {
  return new WordedStep(name, args, say);
}

/** Puts its sentence together only when somebody reads it: most plans are never printed. */
class WordedStep implements Step {
  readonly name: StepName;
  readonly args: readonly Argument[];
  readonly mayFail = false;
  readonly #say: () => string;

  constructor(name: StepName, args: readonly Argument[], say: () => string) {
    this.name = name;
    this.args = args;
    this.#say = say;
  }

  get says(): string {
    return this.#say();
  }
}

/** Paths as the instance will see them. */
function shown(path: string): string {
  if (path === STAGING) return "/";
  return path.startsWith(`${STAGING}/`) ? path.slice(STAGING.length) : path;
}

function options(flags: number, data: string | null): string {
  const names = [
    ...(flags & mountFlags.readOnly ? ["read-only"] : []),
    ...(flags & mountFlags.noSuid ? ["nosuid"] : []),
    ...(flags & mountFlags.noDev ? ["nodev"] : []),
    ...(flags & mountFlags.noExec ? ["noexec"] : []),
    ...(data === null ? [] : [data]),
  ];
  return names.length === 0 ? "" : ` (${names.join(", ")})`;
}

function namespaceNames(flags: number): string {
  const names = Object.entries(cloneFlags).flatMap(([name, flag]) => (flags & flag ? [name] : []));
  return names.length === 0 ? "no new namespace" : `namespaces ${names.join(", ")}`;
}

function scopeNames(what: number): string {
  return [
    ...(what & scopes.abstractSockets ? ["abstract sockets"] : []),
    ...(what & scopes.signals ? ["processes by signals"] : []),
  ].join(" and ");
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/u.test(argument) ? argument : JSON.stringify(argument);
}
