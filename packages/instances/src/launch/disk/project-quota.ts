import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { launchBinary } from "../../binary.ts";
import { describeErrno } from "../errno.ts";
import { LaunchError } from "../launch-error.ts";

/** A folder and what may lie in it; 0 bytes lift the limit. */
export interface LimitedFolder {
  readonly folder: string;
  readonly bytes: number;
  /** Only an empty folder can begin to be counted. */
  readonly isEmpty: boolean;
}

const TIMEOUT_MS = 10_000;
const ENOTEMPTY = 39;

/**
 * Lets the filesystem count a folder as a project and refuse what exceeds the limit; the limit may change at any time.
 * "not-empty": it holds files that are not counted, and nothing was changed.
 *
 * @throws LaunchError ENVIRONMENT when the filesystem does not count projects
 */
export function limitFolder({ folder, bytes, isEmpty }: LimitedFolder): Promise<"limited" | "not-empty"> {
  const words = ["project", folder, String(projectFor(folder)), String(bytes), ...(isEmpty ? ["empty"] : [])];
  return new Promise((resolve, reject) => {
    execFile(launchBinary("launcher"), words, { env: {}, timeout: TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (error === null) return resolve("limited");
      const errno = Number(/^errno (\d+)/u.exec(stderr)?.[1] ?? 0);
      if (errno === ENOTEMPTY) return resolve("not-empty");
      const why = errno === 0 ? error.message : `${describeErrno(errno).code} (${describeErrno(errno).text})`;
      const message = `Cannot limit ${folder} to ${bytes} bytes by project quota: ${why}`;
      reject(new LaunchError(message, { code: "ENVIRONMENT", errno, cause: error }));
    });
  });
}

/** Where the search for a free project begins: spread, so that folders seldom meet. */
function projectFor(folder: string): number {
  return createHash("sha256").update(folder).digest().readUInt32LE(0) & 0x3fff_ffff;
}
