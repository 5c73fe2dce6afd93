import { closeSync, openSync, readSync } from "node:fs";
import { errnoOf } from "../failure.ts";
import { readFailure } from "./kept-file.ts";

/** A kernel file's text, read once. @throws HostError process-gone, permission-denied, file-unreadable */
export function readKernelFile(path: string): string {
  try {
    return readWhole(path);
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** A kernel file's text, or undefined when it is absent, not ours to read, or its process has ended. */
export function readKernelFileIfPresent(path: string): string | undefined {
  return ifPresent(path, () => readWhole(path));
}

/** The first bytes of a kernel file that may be long, 64 KiB at most; none when it is absent, not ours to read, or its process has ended. */
export function readKernelFileStart(path: string, mostBytes: number): string {
  return ifPresent(path, () => readStart(path, Math.min(mostBytes, mostAtOnce))) ?? "";
}

const absent = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EOPNOTSUPP", "ENODEV", "EINVAL"];

function ifPresent(path: string, read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && absent.includes(errno)) return undefined;
    throw readFailure(path, error);
  }
}

/** Asked for more at a time, the kernel finds no memory for some of its files (sysctl: 4 MiB), however short they are. */
const mostAtOnce = 64 * 1024;
/** A longer file, such as the kernel's symbols, is rare: its memory is not kept. */
const mostKept = 1024 * 1024;

let shared = Buffer.allocUnsafeSlow(mostAtOnce);

/** Kernel files say nothing of their size, and `readFileSync` would take 64 kB afresh for each of hundreds of them. */
function readWhole(path: string): string {
  const fd = openSync(path, "r");
  try {
    for (let length = 0; ;) {
      const read = readSync(fd, shared, length, Math.min(mostAtOnce, shared.length - length), length);
      length += read;
      if (read === 0) return shared.toString("latin1", 0, length);
      if (length < shared.length) continue;
      const larger = Buffer.allocUnsafeSlow(shared.length * 2);
      shared.copy(larger);
      shared = larger;
    }
  } finally {
    closeSync(fd);
    if (shared.length > mostKept) shared = Buffer.allocUnsafeSlow(mostAtOnce);
  }
}

function readStart(path: string, mostBytes: number): string {
  const fd = openSync(path, "r");
  try {
    return shared.toString("latin1", 0, readSync(fd, shared, 0, mostBytes, 0));
  } finally {
    closeSync(fd);
  }
}
