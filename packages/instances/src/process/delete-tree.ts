import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const options = { env: { PATH: "/usr/bin:/bin" }, timeout: 600_000 };

/**
 * Deletes what an instance may have filled: links are not followed, and neither depth nor permission bits keep it. Node
 * works with whole paths, which an instance can make longer than the kernel takes; rm(1) walks.
 *
 * @throws Error when something is left
 */
export async function deleteTree(path: string): Promise<void> {
  try {
    // A supervisor that came too late may still be writing its last record there.
    await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 5 });
  } catch {
    // Folders that are closed to their owner, who we are when we are not root. It complains of what is gone meanwhile.
    await run("chmod", ["-R", "u+rwX", "--", path], options).catch(() => undefined);
    await run("rm", ["-rf", "--one-file-system", "--", path], options);
  }
}
