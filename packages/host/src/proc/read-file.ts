import { readFileSync } from "node:fs";
import { errnoOf } from "../failure.ts";
import { readFailure } from "./kept-file.ts";

/** A kernel file's text, read once. @throws HostError process-gone, permission-denied, file-unreadable */
export function readKernelFile(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    throw readFailure(path, error);
  }
}

/** A kernel file's text, or undefined when it is absent, not ours to read, or its process has ended. */
export function readKernelFileIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const errno = errnoOf(error);
    const absent = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EOPNOTSUPP", "ENODEV", "EINVAL"];
    if (errno !== undefined && absent.includes(errno)) return undefined;
    throw readFailure(path, error);
  }
}
