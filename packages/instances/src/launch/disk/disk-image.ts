import { execFile } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, openSync, renameSync, rmSync } from "node:fs";
import { LaunchError } from "../launch-error.ts";

const TIMEOUT_MS = 30_000;
/** Below this ext4 has no room for its own tables and journal. */
export const SMALLEST_IMAGE_BYTES = 8 << 20;

export interface DiskImage {
  readonly path: string;
  /** Size of the filesystem; its tables and journal take some 3 to 10 % of it. */
  readonly bytes: number;
  /** Owner of its top folder. */
  readonly uid: number;
  readonly gid: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes an ext4 image for a data folder with a hard size, unless it is there already. The file is sparse: it takes the
 * room that its content takes.
 * @throws LaunchError INVALID_REQUEST when it is too small, ENVIRONMENT when mkfs.ext4 is missing or fails
 */
export async function createDiskImage({ path, bytes, uid, gid, signal }: DiskImage): Promise<void> {
  if (bytes < SMALLEST_IMAGE_BYTES)
    throw new LaunchError(
      `Cannot make the disk ${path}: ${bytes} bytes are too small, at least ${SMALLEST_IMAGE_BYTES} are needed`,
      {
        code: "INVALID_REQUEST",
      },
    );
  if (existsSync(path)) return;
  // Under another name until it is complete: a daemon that dies here leaves no half image to be mounted later.
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  try {
    makeSparse(unfinished, bytes);
    await makeFilesystem(unfinished, uid, gid, signal);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function makeSparse(path: string, bytes: number): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    ftruncateSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function makeFilesystem(path: string, uid: number, gid: number, signal: AbortSignal | undefined): Promise<void> {
  const options = {
    timeout: TIMEOUT_MS,
    env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
    ...(signal ? { signal } : {}),
  };
  // No reserved blocks (nobody inside is root), no discarding of an image that is empty anyway.
  const settings = [
    "-q",
    "-F",
    "-m",
    "0",
    "-E",
    `root_owner=${uid}:${gid},nodiscard,lazy_itable_init=1,lazy_journal_init=1`,
  ];
  return new Promise((resolve, reject) => {
    execFile("mkfs.ext4", [...settings, path], options, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const why =
        "code" in error && error.code === "ENOENT"
          ? "the program mkfs.ext4 is missing; install e2fsprogs"
          : stderr.trim() || error.message;
      reject(new LaunchError(`Cannot make the disk ${path}: ${why}`, { code: "ENVIRONMENT", cause: error }));
    });
  });
}
