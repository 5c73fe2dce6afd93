import { execFile } from "node:child_process";
import { opendir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const options = { env: { PATH: "/usr/bin:/bin" }, timeout: 600_000 };
/** Node takes all names of a folder into memory at once, and an instance can make millions; rm(1) does not. */
const mostNames = 1000;

/**
 * Deletes what an instance may have filled: links are not followed, and neither number, depth nor permission bits keep it.
 * Node works with whole paths, which an instance can make longer than the kernel takes; rm(1) walks.
 *
 * @throws Error when something is left
 */
export async function deleteTree(path: string): Promise<void> {
  try {
    // A supervisor that came too late may still be writing its last record there.
    if (await isSmall(path)) return await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 5 });
  } catch {
    // What stands in its way may not stand in the way of the tools.
  }
  // Folders that are closed to their owner, who we are when we are not root. It complains of what is gone meanwhile.
  await run("chmod", ["-R", "u+rwX", "--", path], options).catch(() => undefined);
  await run("rm", ["-rf", "--one-file-system", "--", path], options);
}

/** Whether few enough names lie in a folder and below it. */
async function isSmall(path: string): Promise<boolean> {
  const folders = [path];
  let names = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await entriesOf(folder)) {
      if (++names > mostNames) return false;
      if (entry.isDirectory()) folders.push(join(folder, entry.name));
    }
  }
  return true;
}

/** None when it is gone already. */
async function entriesOf(folder: string) {
  try {
    return await opendir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
