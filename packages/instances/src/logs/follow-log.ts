import { watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { RunLogLine } from "../driver/driver.ts";
import { LineJoiner } from "./line-joiner.ts";
import { fileIdentity, logFiles, type LogPosition } from "./log-files.ts";

/** What to read of a log, and for how long. */
export interface FollowOptions {
  /** Where to begin; `null` is the oldest line that is kept. */
  readonly from: LogPosition | null;
  /** Aborts when nothing more will be written: what is there is read to its end. Never aborting follows for ever. */
  readonly ended: AbortSignal;
  readonly signal: AbortSignal;
}

const chunkBytes = 64 * 1024;
/** How long a missed file event can delay a line. */
const patienceMs = 1000;

/**
 * The lines of a log, from a position on, over all rotations, to its end. When files were rotated away before they
 * could be read, one line with `gapBytes` and no text stands in their place (0 when nobody knows how many bytes).
 */
export async function* followLog(path: string, { from, ended, signal }: FollowOptions): AsyncIterable<RunLogLine> {
  const changes = new Changes(path, [ended, signal]);
  const joiner = new LineJoiner();
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let file: OpenFile | null = null;
  try {
    file = await openFirst(path, from);
    if (from !== null && file !== null && file.file !== from.file) yield gap();
    while (!signal.aborted) {
      // Asked before reading: what is written before the end is seen is read.
      const last = ended.aborted;
      changes.reset();
      file ??= await openFirst(path, null);
      const got: number = file === null ? 0 : (await file.handle.read(buffer, 0, chunkBytes, file.offset)).bytesRead;
      if (file !== null && got > 0) {
        file.offset += got;
        yield* joiner.take(buffer.subarray(0, got));
        continue;
      }
      const next: Successor = file === null ? { kind: "none" } : await successor(path, file);
      if (next.kind === "none") {
        if (last) return;
        await changes.wait();
        continue;
      }
      await file?.handle.close();
      file = next.file;
      if (next.kind === "gap") {
        joiner.reset();
        yield gap();
      }
    }
  } finally {
    changes.close();
    await file?.handle.close();
  }
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly file: string;
  offset: number;
}

const gap = (): RunLogLine => ({ time: new Date().toISOString(), stream: "stdout", text: "", gapBytes: 0 });

async function openFirst(path: string, from: LogPosition | null): Promise<OpenFile | null> {
  const files = logFiles(path);
  const first = files.find(({ file }) => file === from?.file) ?? files[0];
  return first === undefined ? null : await openAt(first.path, from);
}

/** Opens by name and looks at what it got: a rotation may have given the name to another file meanwhile. */
async function openAt(path: string, from: LogPosition | null): Promise<OpenFile | null> {
  try {
    const handle = await open(path, "r");
    const stat = await handle.stat({ bigint: true });
    const file = fileIdentity(stat);
    return { handle, file, offset: from?.file === file && from.offset <= stat.size ? from.offset : 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

type Successor = { readonly kind: "none" } | { readonly kind: "next" | "gap"; readonly file: OpenFile };

/** The file that was begun after this one was full. */
async function successor(path: string, current: OpenFile): Promise<Successor> {
  const files = logFiles(path);
  const at = files.findIndex(({ file }) => file === current.file);
  const next = files[at + 1];
  if (next === undefined) return { kind: "none" };
  // Written to its very end before it was renamed, perhaps after our last read.
  const { size } = await current.handle.stat();
  if (size > current.offset) return { kind: "none" };
  const file = await openAt(next.path, null);
  if (file === null || file.file !== next.file) {
    await file?.handle.close();
    return { kind: "none" };
  }
  return { kind: at < 0 ? "gap" : "next", file };
}

/** Wakes a reader when the log's folder changes, when one of the signals aborts, and now and then in any case. */
class Changes {
  readonly #watcher: ReturnType<typeof watch> | null;
  readonly #signals: readonly AbortSignal[];
  #changed = false;
  #wake: () => void = () => {};
  readonly #look = (): void => {
    this.#changed = true;
    this.#wake();
  };

  constructor(path: string, signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener("abort", this.#look, { once: true });
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), (_event, file) => file === name && this.#look());
      // Out of watches, or the folder went away: the patience below still finds every line.
      this.#watcher.on("error", () => {});
      this.#watcher.unref();
    } catch {
      this.#watcher = null;
    }
  }

  reset(): void {
    this.#changed = false;
  }

  async wait(): Promise<void> {
    if (this.#changed) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, patienceMs);
      timer.unref();
    });
    clearTimeout(timer);
  }

  close(): void {
    this.#watcher?.close();
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#look);
  }
}
