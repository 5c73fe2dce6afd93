import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findByEnvironment, signalProcess, type EnvironmentMarker } from "@constellation/host";
import { batchFrame, bytesFrame, FrameReader, mostUnsentBytes } from "../wire/frames.ts";
import { beginningsAt, unlimited } from "../wire/protocol.ts";
import type { Lifeline } from "./lifeline.ts";
import { entryUrl, type Link, type LinkEvents, type WorkerExit } from "./link.ts";
import { niceSession } from "./process-niceness.ts";

/** Settings of worker processes. */
export interface ProcessSettings {
  /** Flags of Node. Those of this program are not handed on; to do so, give `process.execArgv`. @default none */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Limit of the JavaScript heap, in whole MiB, 1 at least. @default V8's own */
  readonly heapLimitBytes?: number;
  /**
   * One bundled CommonJS script whose heap every worker starts with, instead of running it: V8's startup snapshot.
   * Built when the pool is created, once for each script and Node. What it puts on `globalThis` is there in the workers.
   */
  readonly snapshot?: URL | string;
}

interface ProcessSurroundings {
  readonly lifeline: Lifeline;
  /** In the environment of the worker and all it starts; this worker's alone. */
  readonly marker: EnvironmentMarker;
  /** Sweep for descendants when the worker ends, because its modules may fork. */
  readonly mayFork: boolean;
  /** Blob of the startup snapshot. */
  readonly snapshotBlob: string | null;
}

/** For reading and writing one word. */
const word = new Int32Array(1);
const stderrTailLength = 4096;
/** At the beginning of a line: others speak of allocations that failed too. */
const lastWordsOfV8 = /^(?:FATAL ERROR: .*(?:heap out of memory|Allocation failed)|# Fatal process out of memory)/m;
/** What a dead worker has written is read for this long at most. */
const longestDrainMs = 500;
/** A worker whose channel is closed has so long to end. */
const longestDeafMs = 2000;

/** Starts a worker process: leader of its own process group, tied to our life by its socket and by the lifeline. */
export function startProcess(settings: ProcessSettings, around: ProcessSurroundings, events: LinkEvents): Link {
  const beginnings = openBeginnings();
  const heap =
    settings.heapLimitBytes === undefined
      ? []
      : [`--max-old-space-size=${Math.floor(settings.heapLimitBytes / 1024 / 1024)}`];
  const snapshot = around.snapshotBlob === null ? [] : ["--snapshot-blob", around.snapshotBlob];
  const argv = [...heap, ...snapshot, ...(settings.execArgv ?? []), fileURLToPath(entryUrl("process-entry"))];
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, argv, {
      stdio: ["ignore", "inherit", "pipe", "pipe", beginnings],
      detached: true,
      env: { ...(settings.env ?? process.env), [around.marker.name]: around.marker.value },
      ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
    });
  } catch (error) {
    closeSync(beginnings);
    throw error;
  }
  if ((child.stdio as unknown) === undefined) {
    closeSync(beginnings);
    // It says so later as well, when nobody listens any more.
    child.once("error", () => undefined);
    throw new Error("no descriptor was free for its pipes; raise the limit of open files");
  }
  const pid = child.pid ?? 0;
  if (pid !== 0) around.lifeline.hold(pid);
  const socket = child.stdio[3] as Socket;
  const tail = keepTail(child);
  const frames = new FrameReader(
    (batch) => events.onBatch(batch),
    (bytes) => events.onBytes(bytes),
  );
  let terminated = false;
  let broken: string | null = null;
  let spawnFailure: Error | null = null;
  let hasExited = false;
  // Afterwards its number may be somebody else's.
  const kill = (): void => {
    // Who may not be killed, as this program has given up its rights since, ends with its channel.
    if (!hasExited && killGroup(pid) === "denied") socket.destroy();
  };
  const gone = new Promise<void>((resolve) => {
    let isOver = false;
    const over = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (isOver) return;
      isOver = true;
      socket.destroy();
      // Whoever it has left behind may have it too, and would keep our program from ending.
      child.stderr?.destroy();
      if (spawnFailure !== null) events.onExit(crashed(`could not be started: ${spawnFailure.message}`));
      else events.onExit(broken === null ? exitOf(code, signal, terminated, tail()) : crashed(broken));
      closeSync(beginnings);
      resolve();
    };
    child.once("exit", (code, signal) => {
      hasExited = true;
      around.lifeline.release(pid);
      // Its group first: the cheap way to reach nearly all it may have started.
      killGroup(pid);
      if (around.mayFork) sweep(around.marker);
      // Somebody who holds its pipes must not keep it from being over.
      setTimeout(over, longestDrainMs, code, signal).unref();
    });
    child.once("close", over);
    child.once("error", (error) => {
      const folder = settings.cwd;
      // Node names its own program then.
      const isNowhere = folder !== undefined && !existsSync(folder);
      spawnFailure = isNowhere ? new Error(`there is no folder ${folder} (process.cwd); make it`) : error;
      if (child.pid === undefined) over(null, null);
    });
  });
  const breakOff = (why: string): void => {
    broken ??= `its channel broke: ${why}`;
    socket.destroy();
    kill();
  };
  socket.on("data", (chunk: Buffer) => {
    try {
      frames.push(chunk);
    } catch (error) {
      // Something in the worker has written into our channel: what comes after has no meaning any more.
      breakOff(error instanceof Error ? error.message : String(error));
    }
  });
  socket.on("error", () => socket.destroy());
  socket.once("close", () => {
    // Mostly it is about to end. Who lives on hears nothing any more, and would keep its tasks for ever.
    setTimeout(() => void (hasExited || breakOff("the worker closed it")), longestDeafMs).unref();
  });
  return {
    id: pid,
    placement: "process",
    post: (batch) => void socket.write(batchFrame(batch)),
    postBytes: (bytes) => void socket.write(bytesFrame(bytes)),
    get isCongested() {
      return socket.writableLength > mostUnsentBytes;
    },
    lastStarted() {
      readSync(beginnings, word, 0, 4, beginningsAt.started * 4);
      return word[0] as number;
    },
    limit(id) {
      word[0] = id;
      writeSync(beginnings, word, 0, 4, beginningsAt.limit * 4);
    },
    terminate() {
      terminated = true;
      kill();
      return gone;
    },
    setNiceness: (niceness) => niceSession(pid, niceness),
    close: () => socket.destroy(),
  };
}

function exitOf(code: number | null, signal: NodeJS.Signals | null, terminated: boolean, stderr: string): WorkerExit {
  if (terminated || code === 0) return { kind: "ended" };
  if (lastWordsOfV8.test(stderr)) return { kind: "out-of-memory", detail: "the process reached its heap limit" };
  if (signal === "SIGKILL")
    return { kind: "crashed", detail: "SIGKILL from outside (when nobody sent it, the kernel was out of memory)" };
  const last =
    stderr
      .trim()
      .split("\n")
      .find((line) => /^\w*Error\b|^Error/.test(line.trim())) ?? "";
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return { kind: "crashed", detail: last === "" ? how : `${how}: ${last.trim().slice(0, 300)}` };
}

function crashed(detail: string): WorkerExit {
  return { kind: "crashed", detail };
}

/** Passes the worker's errors on and keeps the end of them, which says why it died. */
function keepTail(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-stderrTailLength);
    process.stderr.write(chunk, (error) => {
      // Nobody reads it any more. It is not our word that is lost: no reason to end.
      if (error instanceof Error && process.stderr.listenerCount("error") === 0)
        process.stderr.once("error", () => undefined);
    });
  });
  return () => text;
}

/** The words of `beginningsAt`. */
function openBeginnings(): number {
  const file = openNamelessFile();
  try {
    writeSync(file, new Int32Array([0, unlimited]), 0, 8, 0);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A file that ends with its last descriptor. */
function openNamelessFile(): number {
  const directory = mkdtempSync(join(tmpdir(), "pool-"));
  try {
    return openSync(join(directory, "beginnings"), "w+", 0o600);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function killGroup(pid: number): "done" | "denied" {
  if (pid === 0) return "done";
  try {
    process.kill(-pid, "SIGKILL");
    return "done";
  } catch (error) {
    // Otherwise the group is gone.
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "denied" : "done";
  }
}

/** Ends whatever carries our marker: also what has left the process group. */
function sweep(marker: EnvironmentMarker): void {
  for (let round = 0; round < 10; round += 1) {
    const found = findByEnvironment(marker);
    if (found.length === 0) return;
    for (const identity of found) signalProcess(identity, "SIGKILL");
  }
}
