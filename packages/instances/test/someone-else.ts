import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const checkout = fileURLToPath(new URL("../../..", import.meta.url));
const seen = 'mount --bind "$1" "$2" && cd / && shift 2 && exec setpriv --reuid "$0" --regid "$0" --clear-groups "$@"';

/**
 * Runs a program of this checkout with Node as another user, from root; resolves to its standard output. The checkout may
 * lie where only its owner can look (as `/root` does): the program sees it in a mount namespace of its own.
 */
export async function asSomeoneElse(
  uid: number,
  program: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const place = mkdtempSync(join(tmpdir(), "checkout-"));
  chmodSync(place, 0o755);
  const inside = join(place, relative(checkout, program));
  const words = ["--mount", "sh", "-c", seen, String(uid), checkout, place, process.execPath, inside, ...args];
  try {
    const path = process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin";
    return (await promisify(execFile)("unshare", words, { env: { PATH: path, ...env } })).stdout;
  } finally {
    rmdirSync(place);
  }
}
