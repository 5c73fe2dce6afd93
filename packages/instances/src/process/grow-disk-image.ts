import { execFile } from "node:child_process";
import { existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { ConstellationError } from "@constellation/contract";

const run = promisify(execFile);
const options = { timeout: 120_000, env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" } };
/** The tools of a daemon that died go on; those of the next wait for them. */
const alone = ["--wait", "60"];

/** A file beside the image for as long as it has a size that its file system has not. */
const markOf = (image: string): string => `${image}.growing`;

/** Makes an ext4 image that nobody has mounted larger. @throws ConstellationError `instance.start-failed` with what the tool said */
export async function growDiskImage(image: string, bytes: number): Promise<void> {
  writeFileSync(markOf(image), "");
  truncateSync(image, bytes);
  await finishGrowing(image);
}

/** Does what is left to do where a daemon died while an image grew. @throws ConstellationError as {@link growDiskImage} */
export async function finishGrowing(image: string): Promise<void> {
  if (!existsSync(markOf(image))) return;
  try {
    // resize2fs wants a file system that was checked; code 1 says that something was mended (e2fsck(8)).
    await run("flock", [...alone, image, "e2fsck", "-fp", image], options).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 1) throw error;
    });
    await run("flock", [...alone, image, "resize2fs", image], options);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new ConstellationError("instance.start-failed", `Cannot let the disk ${image} grow: ${said}`, {
      cause: error,
    });
  }
  rmSync(markOf(image));
}
