import type { Command } from "commander";
import type { Context } from "./context.ts";

/** A file under commands/: adds options and what to do to its command. */
export interface CommandModule {
  define(command: Command, context: Context): void;
}

/** A command as help lists it. Its file is read only when it runs. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Not for people: completion scripts call it. */
  readonly hidden?: boolean;
  /** All others are loaded with it. */
  readonly describes?: "every command";
  readonly load: () => Promise<CommandModule>;
}

const run = "Run:";
const look = "Look:";
const change = "Change:";
const machine = "This machine:";

/** Every command, in the order of help. */
export const commands: readonly CommandEntry[] = [
  { name: "up", group: run, summary: "Start what a file describes", load: () => import("./commands/up.ts") },
  { name: "create", group: run, summary: "Create one app from options", load: () => import("./commands/create.ts") },
  { name: "plan", group: run, summary: "Say what up would change", load: () => import("./commands/plan.ts") },
  { name: "init", group: run, summary: "Write a first constellation.ts", load: () => import("./commands/init.ts") },
  { name: "down", group: run, summary: "Remove what a file describes", load: () => import("./commands/down.ts") },
  {
    name: "test",
    group: run,
    summary: "Run a test suite that cannot take the machine down",
    load: () => import("./commands/test.ts"),
  },
  { name: "ps", group: look, summary: "List apps and instances", load: () => import("./commands/ps.ts") },
  { name: "top", group: look, summary: "Watch CPU, memory, I/O and network", load: () => import("./commands/top.ts") },
  { name: "logs", group: look, summary: "Show what instances wrote", load: () => import("./commands/logs.ts") },
  { name: "events", group: look, summary: "Show what happened", load: () => import("./commands/events.ts") },
  {
    name: "inspect",
    group: look,
    summary: "Show all of one app or instance",
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "exec",
    group: change,
    summary: "Run a program inside an instance",
    load: () => import("./commands/exec.ts"),
  },
  { name: "scale", group: change, summary: "Change numbers of instances", load: () => import("./commands/scale.ts") },
  {
    name: "restart",
    group: change,
    summary: "Replace instances one by one",
    load: () => import("./commands/restart.ts"),
  },
  { name: "stop", group: change, summary: "Stop apps, keep their specs", load: () => import("./commands/stop.ts") },
  { name: "start", group: change, summary: "Start stopped apps", load: () => import("./commands/start.ts") },
  { name: "rm", group: change, summary: "Stop apps and forget them", load: () => import("./commands/rm.ts") },
  {
    name: "daemon",
    group: machine,
    summary: "Start, stop or install the daemon",
    load: () => import("./commands/daemon.ts"),
  },
  {
    name: "doctor",
    group: machine,
    summary: "Say what this machine can enforce",
    load: () => import("./commands/doctor.ts"),
  },
  { name: "ports", group: machine, summary: "List and free ports", load: () => import("./commands/ports.ts") },
  { name: "version", group: machine, summary: "Print versions", load: () => import("./commands/version.ts") },
  { name: "openapi", group: machine, summary: "Print the API as OpenAPI", load: () => import("./commands/openapi.ts") },
  {
    name: "completion",
    group: machine,
    summary: "Print a completion script",
    describes: "every command",
    load: () => import("./commands/completion.ts"),
  },
  {
    name: "__complete",
    group: machine,
    summary: "Names for completion scripts",
    hidden: true,
    load: () => import("./commands/complete-names.ts"),
  },
];
