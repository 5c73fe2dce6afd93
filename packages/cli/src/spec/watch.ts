import { type FSWatcher, watch } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { reportFailure } from "../failure.ts";

/** An editor that saves writes several times: one change is what happens within this. */
const settleMs = 100;

/**
 * Does `up`, and again whenever a file that it uses changes, until interrupted. A failure is told, and waited over.
 *
 * @param up is given a function that takes the files it uses
 * @param json failures are told as JSON, and nothing is said in between
 * @throws ConstellationError `spec.unreadable` when the file's folder cannot be watched
 */
export async function upAgain(
  context: Context,
  file: string,
  up: (uses: Uses) => Promise<void>,
  json: boolean,
): Promise<void> {
  const { out, signal } = context;
  const say = (text: string): void => void (json || out.line(out.style("dim", text)));
  const watched = watchedFiles([file]);
  signal.addEventListener("abort", watched.close, { once: true });
  while (!signal.aborted) {
    await attempt(context, up, watched.add, json);
    say("Watching for changes; Ctrl-C ends it, apps go on.");
    const changed = await watched.change();
    if (changed !== null) say(`${relative(process.cwd(), changed)} changed`);
  }
}

async function attempt(context: Context, up: (uses: Uses) => Promise<void>, uses: Uses, json: boolean): Promise<void> {
  try {
    await up(uses);
  } catch (error) {
    if (context.signal.aborted) throw error;
    uses(faulty(error));
    await reportFailure(error, [], context, json);
  }
}

/** The files that an error is about: what did not build is not known by what it was built from. */
function faulty(error: unknown): readonly string[] {
  const files = error instanceof ConstellationError ? error.details?.["files"] : undefined;
  return Array.isArray(files) ? (files as string[]) : [];
}

type Uses = (files: readonly string[]) => void;

interface WatchedFiles {
  readonly add: Uses;
  /** The next file that changed, also while nobody waited; `null` when closed. */
  readonly change: () => Promise<string | null>;
  readonly close: () => void;
}

/** Watches the folders of files, since editors replace a file by another; packages do not change under one's hands. */
function watchedFiles(first: readonly string[]): WatchedFiles {
  const folders = new Map<string, FSWatcher>();
  const files = new Set<string>();
  const state: { changed: string | null; closed: boolean; wake: () => void } = {
    changed: null,
    closed: false,
    wake: () => undefined,
  };
  const told = (path: string): void => {
    if (!files.has(path)) return;
    state.changed = path;
    state.wake();
  };
  const watchFolder = (folder: string): FSWatcher => {
    try {
      return watch(folder, (_, name) => told(join(folder, name ?? ""))).on("error", () => folders.delete(folder));
    } catch (cause) {
      throw new ConstellationError("spec.unreadable", `Cannot watch the folder ${folder}: ${String(cause)}`, { cause });
    }
  };
  const add = (more: readonly string[]): void => {
    for (const file of more) {
      // Interrupted while it was found out: a watcher would keep the process alive.
      if (state.closed) return;
      if (file.split(sep).includes("node_modules")) continue;
      files.add(file);
      const folder = dirname(file);
      if (!folders.has(folder)) folders.set(folder, watchFolder(folder));
    }
  };
  add(first);
  return {
    add,
    change: async () => {
      while (state.changed === null && !state.closed) await new Promise<void>((resolve) => (state.wake = resolve));
      await sleep(state.closed ? 0 : settleMs);
      const { changed } = state;
      state.changed = null;
      return state.closed ? null : changed;
    },
    close: () => {
      state.closed = true;
      for (const watcher of folders.values()) watcher.close();
      state.wake();
    },
  };
}
