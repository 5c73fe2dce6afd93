import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { ConstellationError } from "@constellation/contract";

/** Longest path that fits into `sockaddr_un` (unix(7)). */
const maxSocketPathBytes = 107;
const probeMs = 1000;

/**
 * Makes `server` listen on a Unix socket that only the daemon's own user can open. A socket left over by a dead daemon is
 * replaced; one that answers is not. The caller holds the lock of the state, so that no two daemons claim at once.
 *
 * @throws ConstellationError `daemon.busy` when a daemon answers there, `daemon.start-failed` when the path cannot be used
 */
export async function claimSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw cannotListen(
      path,
      `the path has ${Buffer.byteLength(path)} bytes, a socket's can have ${maxSocketPathBytes}`,
    );
  }
  try {
    // As it was made at first: programs with users of their own pass through it.
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  } catch (cause) {
    throw cannotListen(path, String(cause), cause);
  }
  await removeStale(path);
  await listenPrivately(server, path);
}

async function removeStale(path: string): Promise<void> {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return;
  if (!entry.isSocket()) throw cannotListen(path, "there is something else than a socket");
  if (await answers(path)) {
    throw new ConstellationError("daemon.busy", `A daemon answers on ${path} already`, {
      remedy: "Use it, or stop it with `constellation daemon stop`.",
    });
  }
  rmSync(path, { force: true });
}

/** Whether somebody accepts connections; a process that is too busy to accept counts as somebody. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(probeMs, () => settle(true));
    socket.once("connect", () => settle(true));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code === "EAGAIN" || error.code === "EACCES"));
  });
}

/** The file is made with mode 0600 from the start: a later chmod would leave a moment in which others can connect. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error): void => reject(cannotListen(path, cause.message, cause));
    server.once("error", refuse);
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", refuse);
        chmodSync(path, 0o600);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

const cannotListen = (path: string, why: string, cause?: unknown): ConstellationError =>
  new ConstellationError("daemon.start-failed", `The daemon cannot listen on ${path}: ${why}`, {
    cause,
    remedy:
      (cause as NodeJS.ErrnoException | undefined)?.code === "EMFILE"
        ? "Let it open more files: `ulimit -n 1024`, or LimitNOFILE in its service."
        : "Set CONSTELLATION_HOME to a short path of a folder that you can write to.",
  });
