import { closeSync, openSync, readSync, readvSync } from "node:fs";
import { errnoOf, HostError } from "../failure.ts";

let shared = Buffer.allocUnsafeSlow(64 * 1024);
/** As `readvSync` takes it. */
let whole = [shared];
const largestBytes = 64 * 1024 * 1024;

/**
 * A kernel file (under /proc or /sys/fs/cgroup) opened once and read again from its start each time.
 * A synchronous read of a kept descriptor is 30-150x cheaper than an asynchronous read by path, and a kept
 * /proc/<pid>/ file never shows another process after its own has ended: it fails with `process-gone`.
 */
export class KeptFile {
  readonly path: string;
  #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Opens a kernel file. @throws HostError process-gone, permission-denied, file-unreadable */
  static open(path: string): KeptFile {
    try {
      return new KeptFile(path, openSync(path, "r"));
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  /** Opens a kernel file that this kernel may not have; undefined when it is absent or not readable to us. */
  static openIfPresent(path: string): KeptFile | undefined {
    try {
      return new KeptFile(path, openSync(path, "r"));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT" || errno === "EACCES" || errno === "EPERM" || errno === "ESRCH") return undefined;
      throw readFailure(path, error);
    }
  }

  /** The whole file now, as Latin-1 text. @throws HostError process-gone, permission-denied, file-unreadable */
  read(): string {
    const length = this.#fill();
    return shared.toString("latin1", 0, length);
  }

  /** The whole file now, as bytes in a buffer that the next read of any kept file overwrites. */
  readShared(): Buffer {
    return shared.subarray(0, this.#fill());
  }

  /** The unsigned number that a word of the file is, without making text of it; undefined when it is none ("max"). */
  readUnsigned(word = 0): number | undefined {
    const length = this.#fill();
    const bytes = shared;
    let at = 0;
    for (let before = word; before > 0 && at < length; at++) if (bytes[at] === 32) before--;
    const start = at;
    let value = 0;
    for (; at < length; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return at === start ? undefined : value;
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #fill(): number {
    if (this.#fd < 0) throw new HostError("file-unreadable", `Cannot read ${this.path}: it was closed before`);
    try {
      // Of the two ways to read synchronously the one that leaves less than half as much behind for the collector.
      let length = readvSync(this.#fd, whole, 0);
      // A kernel file is cut at a record's end before the buffer is full, so only an empty read says "all of it".
      if (length < 2048) return length;
      for (;;) {
        if (shared.length - length < 4096) grow();
        const more = readSync(this.#fd, shared, length, shared.length - length, length);
        if (more === 0) return length;
        length += more;
      }
    } catch (error) {
      throw readFailure(this.path, error);
    }
  }
}

function grow(): void {
  if (shared.length >= largestBytes)
    throw new HostError("file-malformed", `A kernel file is larger than ${largestBytes} bytes; wanted a bounded table`);
  const larger = Buffer.allocUnsafeSlow(shared.length * 4);
  shared.copy(larger);
  shared = larger;
  whole = [shared];
}

/** Names a failed read of a kernel file by what it means for the caller. */
export function readFailure(path: string, error: unknown): HostError {
  if (error instanceof HostError) return error;
  const errno = errnoOf(error);
  const ofProcess = /\/proc\/\d+|\/self\/fd\//.test(path);
  if (errno === "ESRCH" || (errno === "ENOENT" && ofProcess))
    return new HostError("process-gone", `Cannot read ${path}: the process has ended`, { cause: error });
  if (errno === "EACCES" || errno === "EPERM")
    return new HostError("permission-denied", `Cannot read ${path}: permission denied; run as its owner or as root`, {
      cause: error,
    });
  return new HostError("file-unreadable", `Cannot read ${path}: ${errno ?? String(error)}`, { cause: error });
}
