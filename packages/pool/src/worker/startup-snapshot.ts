import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What a snapshot is built from, and for whom. */
export interface SnapshotPlan {
  /** One bundled CommonJS script: Node lets it require built-ins only. What it puts on `globalThis` is in every worker. */
  readonly script: URL | string;
  /** Where blobs are kept, by the hash of the script and of this Node. */
  readonly directory: string;
  readonly timeoutMs: number;
  /** Ends the building, with its process. */
  readonly signal: AbortSignal;
}

/**
 * Runs the script once and keeps V8's heap after it; returns the path of the blob for `node --snapshot-blob`. One that
 * was built before is taken as it is. A blob fits only the Node that built it.
 *
 * @throws Error with what the script, or Node, had to say.
 */
export async function buildSnapshot({ script, directory, timeoutMs, signal }: SnapshotPlan): Promise<string> {
  const path = String(script).startsWith("file:") ? fileURLToPath(script) : String(script);
  const source = await readFile(path);
  const key = createHash("sha256").update(`${process.version} ${process.arch}\n`).update(source).digest("hex");
  const blob = join(directory, `${key.slice(0, 32)}.blob`);
  if (existsSync(blob)) return blob;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Others may be at it too, also in this process.
  const unfinished = `${blob}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await promisify(execFile)(process.execPath, ["--snapshot-blob", unfinished, "--build-snapshot", path], {
      timeout: timeoutMs,
      signal,
      killSignal: "SIGKILL",
    });
    await rename(unfinished, blob);
  } catch (error) {
    await rm(unfinished, { force: true });
    const { stderr = "" } = error as { stderr?: string };
    throw new Error(`${lastLineOf(stderr) ?? String(error)} (it must be one bundled CommonJS script)`, {
      cause: error,
    });
  }
  return blob;
}

/** The line of a trace that names the error. */
function lastLineOf(stderr: string): string | undefined {
  return stderr.split("\n").find((line) => /^\w*Error\b/.test(line));
}
