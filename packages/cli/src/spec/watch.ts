import { type FSWatcher, watch } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { reportFailure } from "../failure.ts";

/** An editor that saves writes several times: one change is what happens within this. */
const settleMs = 100;

/**
 * Does `up`, and again whenever a file that it uses changes, until interrupted. A failure is told, and waited over.
 *
 * @param up is given a function that takes the files it uses
 */
export async function upAgain(
  context: Context,
  file: string,
  up: (uses: (files: readonly string[]) => void) => Promise<void>,
): Promise<void> {
  const { out, signal } = context;
  const watched = watchedFiles([file]);
  signal.addEventListener("abort", watched.close, { once: true });
  while (!signal.aborted) {
    await attempt(context, () => up(watched.add));
    out.line(out.style("dim", "Watching for changes; Ctrl-C ends it, apps go on."));
    const changed = await watched.change();
    if (changed !== null) out.line(out.style("dim", `${relative(process.cwd(), changed)} changed`));
  }
}

async function attempt(context: Context, up: () => Promise<void>): Promise<void> {
  try {
    await up();
  } catch (error) {
    if (context.signal.aborted) throw error;
    await reportFailure(error, [], context, false);
  }
}

interface WatchedFiles {
  readonly add: (files: readonly string[]) => void;
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
  const watchFolder = (folder: string): FSWatcher =>
    watch(folder, (_, name) => {
      const path = join(folder, name ?? "");
      if (!files.has(path)) return;
      state.changed = path;
      state.wake();
    }).on("error", () => folders.delete(folder));
  const add = (more: readonly string[]): void => {
    for (const file of more) {
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
