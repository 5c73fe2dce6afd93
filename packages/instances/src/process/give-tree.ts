import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ConstellationError } from "@constellation/contract";

const run = promisify(execFile);
const options = { env: { PATH: "/usr/bin:/bin" }, timeout: 600_000 };

/**
 * Gives everything in a folder that belongs to one user to another, the folder itself last. Links are not followed; what
 * belongs to a third one stays his. chown(1) walks where a path would be too long for the kernel.
 *
 * @throws ConstellationError `instance.start-failed` with what the tool said
 */
export async function giveTree(folder: string, fromUid: number, toUid: number): Promise<void> {
  try {
    await run("chown", ["-hR", `--from=+${fromUid}`, "--", `+${toUid}:+${toUid}`, folder], options);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new ConstellationError(
      "instance.start-failed",
      `Cannot give what lies in ${folder} from user ${fromUid} to user ${toUid}: ${said}`,
      { remedy: "Give it by hand, or move it away.", cause: error },
    );
  }
}
