import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError, exitCodes, type Places, type Version } from "@constellation/contract";
import { callDaemon, readJson } from "../client/transport.ts";
import { unreachable } from "../client/unreachable.ts";
import { daemonEnvironment, daemonFlags, daemonProgram } from "./locate.ts";

const firstPollMs = 2;
const slowestPollMs = 50;
/** Time a daemon that lost the race for the socket has to end. */
const settleMs = 3000;
/** Another daemon holds the state: one that has yet to open its socket, or one that has closed it and is about to end. */
const againMs = 500;

/** How to start a daemon. */
export interface StartOptions {
  /** Time it may take until the socket answers. @default 15000 */
  readonly timeoutMs?: number;
  /** Environment of the daemon, where it finds its places. @default `daemonEnvironment()` */
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that a daemon answers: starts one in the background when none does. Several callers at once end with one daemon.
 *
 * @returns whether this call started it
 * @throws ConstellationError `daemon.start-failed` with the last lines of its log, `call.cancelled`
 */
export async function ensureDaemon(places: Places, options: StartOptions = {}): Promise<boolean> {
  if (await answers(places.socketPath)) return false;
  const { timeoutMs = 15_000, environment = daemonEnvironment(), signal } = options;
  if (signal?.aborted === true) throw cancelled();
  const program = daemonProgram();
  const log = openLog(places);
  const from = fstatSync(log).size;
  try {
    const launch = (): Launched => launched(program, log, environment);
    const { child, ended } = await untilAnswered(places, launch, Date.now() + timeoutMs, signal);
    const { pid } = await readJson<Version>(await callDaemon(places.socketPath, "version", { signal }));
    if (pid === child.pid) return true;
    // Somebody else was faster. Ours would find the socket taken, or take it over when the other one stops soon.
    child.kill();
    await Promise.race([ended, sleep(settleMs, undefined, { ref: false })]);
    return false;
  } catch (error) {
    if (!(error instanceof ConstellationError) || error.code === "call.cancelled") throw error;
    const lines = lastLines(places.daemonLogFile, from);
    const quoted = lines.length === 0 ? "" : `; its log ends with:\n${lines.map((line) => `  ${line}`).join("\n")}`;
    throw new ConstellationError(error.code, `${error.message}${quoted}`, {
      remedy: `See ${places.daemonLogFile}, and \`constellation doctor\`.`,
      details: { log: lines },
    });
  } finally {
    closeSync(log);
  }
}

/** A daemon that was started. */
interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  end: { readonly why: string; readonly code: number | null; readonly atMs: number } | null;
}

function launched(program: string, log: number, environment: NodeJS.ProcessEnv): Launched {
  const child = spawn(process.execPath, [...daemonFlags, program], {
    detached: true,
    stdio: ["ignore", log, log],
    env: environment,
  });
  let tell = (): void => undefined;
  const launch: Launched = { child, ended: new Promise((resolve) => (tell = resolve)), end: null };
  const end = (why: string, code: number | null): void => {
    launch.end ??= { why, code, atMs: Date.now() };
    tell();
  };
  child.once("error", (error) => end(error.message, null));
  child.once("exit", (code, name) =>
    end(code === null ? `it was ended by ${String(name)}` : `it exited with ${code}`, code),
  );
  child.unref();
  return launch;
}

/** Starts a daemon, and another one for as long as it finds the state held by one that does not answer. */
async function untilAnswered(
  { socketPath }: Places,
  launch: () => Launched,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Launched> {
  let latest = launch();
  let why = `no answer on ${socketPath} in time`;
  for (let pollMs = firstPollMs; !(await answers(socketPath)); pollMs = Math.min(slowestPollMs, pollMs * 1.5)) {
    if (signal?.aborted === true) throw cancelled();
    const { end } = latest;
    if (end !== null) ({ why } = end);
    if (Date.now() > deadline || (end !== null && end.code !== exitCodes.conflict.code))
      throw new ConstellationError("daemon.start-failed", `The daemon did not start: ${why}`);
    if (end !== null && Date.now() > end.atMs + againMs) latest = launch();
    await sleep(pollMs);
  }
  return latest;
}

const cancelled = (): ConstellationError =>
  new ConstellationError("call.cancelled", "Waiting for the daemon was cancelled");

/** Whether somebody accepts connections on the socket. @throws ConstellationError `access.denied` on another user's */
export function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(false);
      else if (error.code === "EAGAIN") resolve(true);
      else reject(unreachable(socketPath, error));
    });
  });
}

function openLog({ stateDirectory, daemonLogFile }: Places): number {
  try {
    // As the daemon makes it: instances are users of their own and reach their data below.
    mkdirSync(stateDirectory, { recursive: true, mode: 0o711 });
    // Before the daemon looks whose folder it is: what somebody has put there must not lead root to another file.
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
    return openSync(daemonLogFile, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new ConstellationError(
      "daemon.start-failed",
      `Cannot write the daemon's log ${daemonLogFile}: ${String(cause)}`,
      {
        cause,
        remedy: "Set CONSTELLATION_HOME to a folder that you can write to.",
      },
    );
  }
}

/** The last lines written since the start, at most 20. */
function lastLines(path: string, from: number): string[] {
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const start = Math.max(from, size - 16_384);
    const bytes = Buffer.alloc(size - start);
    readSync(file, bytes, 0, bytes.length, start);
    return bytes.toString("utf8").split("\n").filter(Boolean).slice(-20);
  } finally {
    closeSync(file);
  }
}
