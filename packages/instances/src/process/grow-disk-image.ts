import { execFile } from "node:child_process";
import { truncateSync } from "node:fs";
import { promisify } from "node:util";
import { ConstellationError } from "@constellation/contract";

const run = promisify(execFile);
const options = { timeout: 60_000, env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };

/** Makes an ext4 image that nobody has mounted larger. @throws ConstellationError `instance.start-failed` with what the tool said */
export async function growDiskImage(image: string, bytes: number): Promise<void> {
  try {
    truncateSync(image, bytes);
    // resize2fs wants a file system that was checked; code 1 says that something was mended (e2fsck(8)).
    await run("e2fsck", ["-fp", image], options).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 1) throw error;
    });
    await run("resize2fs", [image], options);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new ConstellationError(
      "instance.start-failed",
      `Cannot let the disk ${image} grow to ${bytes} bytes: ${said}`,
      {
        cause: error,
      },
    );
  }
}
