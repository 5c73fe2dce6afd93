import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PoolError } from "./failure.ts";

/**
 * The directory for compiled code and snapshots that we choose ourselves, made when it is missing.
 * @throws PoolError options-invalid when it is somebody else's: what lies there is executed.
 */
export function ownCacheDirectory(): string {
  const user = process.getuid?.() ?? 0;
  const path = join(tmpdir(), `constellation-pool-cache-${user}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  const isOurs = found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
  if (isOurs || process.getuid === undefined) return path;
  throw new PoolError(
    "options-invalid",
    `Cannot keep compiled code in ${path}: it is not a directory of user ${user} that only this user can write; remove it`,
  );
}
