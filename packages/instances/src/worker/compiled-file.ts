import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** A compiled program begins with the SHA-256 of what follows: V8 looks only whether it is its own, not whether it is whole. */
const digestBytes = 32;

/**
 * Where the compiled form of a program lies, beside it. Each Node, and each set of its options, has one of its own: V8
 * refuses what another made.
 */
export function compiledPath(file: string, options: readonly string[]): string {
  const maker = [process.version, process.arch, ...options].join(" ");
  return `${file}.${createHash("sha256").update(maker).digest("hex").slice(0, 12)}.v8`;
}

/** Whether a file is there and as it was written. */
export function isWhole(path: string): boolean {
  try {
    const bytes = readFileSync(path);
    const digest = createHash("sha256").update(bytes.subarray(digestBytes)).digest();
    return bytes.length > digestBytes && digest.equals(bytes.subarray(0, digestBytes));
  } catch {
    return false;
  }
}

/**
 * Takes over what a program has written into a folder of its own.
 *
 * @param mostBytes a larger one is refused
 * @throws Error when it wrote none, or something else than a file
 */
export function takeCompiled(from: string, to: string, mostBytes: number): void {
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size === 0 || stat.size > mostBytes)
      throw new Error(`what was made of ${to} has ${stat.size} bytes; wanted a file of at most ${mostBytes}`);
    const bytes = readFileSync(fd);
    const digest = createHash("sha256").update(bytes).digest();
    writeFileSync(`${to}.new`, Buffer.concat([digest, bytes]), { mode: 0o600 });
    renameSync(`${to}.new`, to);
  } finally {
    closeSync(fd);
  }
}
