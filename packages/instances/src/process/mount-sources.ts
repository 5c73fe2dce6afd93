import { realpathSync } from "node:fs";
import { posix } from "node:path";
import { type AppSpec, ConstellationError } from "@constellation/contract";

type Sources = Pick<AppSpec, "name" | "folder" | "mounts">;

/**
 * Checks that nothing that is mounted leads out of a folder that the app's instances may write to: they could have put a link
 * there, and would see at their next start what they name by it.
 *
 * @throws ConstellationError `spec.invalid`
 */
export function checkMountSources({ name, folder, mounts }: Sources, action: "apply" | "start" = "apply"): void {
  const sources = [...(folder === null ? [] : [folder]), ...mounts.map(({ source }) => source)];
  for (const { source: writable } of mounts.filter(({ readOnly }) => !readOnly)) {
    const source = sources.find((each) => leadsOut(each, writable));
    if (source === undefined) continue;
    throw new ConstellationError(
      "spec.invalid",
      `Cannot ${action} ${name}: ${source} leads by a link out of ${writable}, which its instances may write to`,
      { remedy: `Mount what it leads to by its own path, ${real(source)}.`, details: { source, writable } },
    );
  }
}

/** Whether a path passes through a folder and ends elsewhere. What is not there leads nowhere. */
function leadsOut(path: string, folder: string): boolean {
  const [end, place] = [real(path), real(folder)];
  if (end === null || place === null || within(end, place)) return false;
  for (let part = posix.dirname(path); part !== "/"; part = posix.dirname(part))
    if (within(real(part) ?? "", place)) return true;
  return false;
}

function real(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
