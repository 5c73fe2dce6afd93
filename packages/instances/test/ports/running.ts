import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, vi } from "vitest";
import type { PortBinding } from "../../src/driver/port-binding.ts";
import { listenPreload, PortProcess, portEnvironment, type WaitingPort } from "../../src/ports/index.ts";
import type { PortProcessOptions } from "../../src/ports/spawn.ts";

const ports: PortProcess[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];

// Everything that a test starts ends with it, and leaves nothing.
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(
    children.map(async (child) => (child.exitCode ?? child.signalCode) === null && once(child, "exit")),
  );
  await Promise.all(ports.map((port) => port.close()));
  await Promise.all(ports.map((port) => port.ended()));
  for (const port of ports) expect(existsSync(port.socketFile)).toBe(false);
  for (const port of ports) await vi.waitFor(() => expect(isRunning(port.pid)).toBe(false));
  for (const folder of folders) rmSync(folder, { recursive: true });
  ports.length = children.length = folders.length = 0;
});

export const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "constellation-port-"));
  folders.push(folder);
  return folder;
}

export async function openPort(
  options: Partial<PortProcessOptions> = {},
  waiting: WaitingPort | null = null,
): Promise<PortProcess> {
  const common = { folder: newFolder(), address: "127.0.0.1", port: 0, sharing: "shared" } as const;
  const port = await PortProcess.start({ ...common, ...options }, { waiting });
  ports.push(port);
  return port;
}

/** A program that a test started; `line` waits for what it prints. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  line(): Promise<string>;
  stop(): Promise<number | string>;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly preload?: boolean;
  readonly doorFolder?: string | null;
}

/** Runs a program with the port's listening socket, as the launcher does. */
export function runShared(
  port: PortProcess,
  argv: readonly string[],
  { env = {}, preload = true, doorFolder = null }: RunOptions = {},
): Running {
  const binding: PortBinding = {
    mode: "shared",
    name: "http",
    publicPort: port.port,
    port: port.port,
    address: port.address,
    socketFile: port.socketFile,
    url: `http://127.0.0.1:${port.port}`,
  };
  const { variables, sockets } = portEnvironment([binding], {
    preloadFile: preload ? listenPreload : null,
    doorFolder,
    workloadPid: null,
    nodeOptions: env["NODE_OPTIONS"] ?? "",
  });
  return run(["python3", fixture("with-sockets.py"), JSON.stringify(sockets), ...argv], { ...env, ...variables });
}

export function run(argv: readonly string[], env: Record<string, string> = {}): Running {
  const [command = "", ...rest] = argv;
  const child = spawn(command, rest, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines = linesOf(child);
  return {
    child,
    pid: child.pid ?? 0,
    line: async () => {
      const { value, done } = await lines.next();
      if (done)
        throw new Error(`${argv.join(" ")} ended with ${child.exitCode ?? child.signalCode} and no further line`);
      return value;
    },
    stop: async () => {
      child.kill("SIGTERM");
      if ((child.exitCode ?? child.signalCode) === null) await once(child, "exit");
      return child.signalCode ?? child.exitCode ?? -1;
    },
  };
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string, void> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Memory of a process in kB, with its share of what it has in common with others. */
export const pssKb = (pid: number) =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);

export const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
