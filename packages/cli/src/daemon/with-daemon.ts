import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Constellation, ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { daemonIsGone } from "./gone.ts";
import { runningDaemon } from "./running.ts";

/** A daemon's home has at most so many bytes, for the paths of its sockets to fit. */
const longestHome = 37;
const prefix = "look-";
/** What `mkdtemp` puts behind a prefix. */
const randomLetters = 6;

/**
 * Asks the daemon that runs; when none does, one is started for the question and stopped again. It has a home of its own: in
 * the user's it would bring every app to life and then leave all of them alone. Ctrl-C ends the asking alone: a daemon that is
 * being started, or stopped, is waited for, since nobody would ever find it again.
 */
export async function withDaemon<T>(
  context: Context,
  ask: (daemon: Constellation, startedForThis: boolean) => Promise<T>,
): Promise<T> {
  const { client } = context;
  const usual = await client({ start: false });
  if ((await runningDaemon(context)) !== null) return ask(usual, false);
  const home = temporaryHome(usual.places.stateDirectory);
  try {
    const daemon = await client({ start: true, home, signal: undefined });
    try {
      return await ask(daemon, true);
    } finally {
      const { pid } = await daemon.version();
      await daemon.stopDaemon();
      await daemonIsGone(daemon.places.socketPath, pid);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * On the file system of the real one, where its name may be so long and it can be written to: what can be done differs
 * between file systems.
 *
 * @throws ConstellationError `daemon.start-failed` when folders of temporary files cannot be written to either
 */
function temporaryHome(stateDirectory: string): string {
  const nearBytes = Buffer.byteLength(join(stateDirectory, prefix)) + randomLetters;
  if (nearBytes <= longestHome)
    try {
      return homeIn(stateDirectory);
    } catch {
      // What is read-only for us is told by whoever needs it.
    }
  try {
    return homeIn(tmpdir());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError("daemon.start-failed", `Cannot start a daemon to look at this machine: ${why}`, {
      remedy: "Set TMPDIR to a folder that can be written.",
      cause,
    });
  }
}

function homeIn(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const home = mkdtempSync(join(folder, prefix));
  // Instances are users of their own and reach their data below.
  chmodSync(home, 0o711);
  return home;
}
