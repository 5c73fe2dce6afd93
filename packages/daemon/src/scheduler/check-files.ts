import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { type AppSpec, ConstellationError } from "@constellation/contract";

/** Longest time that the file system may take to answer; a dead network mount never does. */
const answerTimeoutMs = 3000;

/** Where artifacts are looked up. */
export interface ArtifactLookup {
  has(sha256: string): Promise<boolean>;
}

/**
 * Checks that everything an app names on this machine is there and can be read.
 *
 * @throws ConstellationError `spec.invalid`, `script.unreadable`, `artifact.not-found`
 */
export async function checkFiles(spec: AppSpec, artifacts: ArtifactLookup): Promise<void> {
  const looks = [
    ...(spec.folder === null ? [] : [checkFolder(spec, "folder", spec.folder)]),
    ...spec.mounts.map(({ source }) => checkReadable(spec, "mounts", source)),
    ...(spec.run.kind === "script" ? [checkArtifact(spec, spec.run, artifacts)] : []),
  ];
  if (looks.length > 0) await inTurn(looks);
}

/** Waits for all of them at once; what is told is the first in order that failed, whichever failed first. */
async function inTurn<T>(looks: readonly Promise<T>[]): Promise<void> {
  await Promise.allSettled(looks);
  for (const look of looks) await look;
}

async function checkArtifact(
  { name }: AppSpec,
  { artifact, path }: AppSpec["run"] & { kind: "script" },
  artifacts: ArtifactLookup,
): Promise<void> {
  if (artifact === null)
    throw new ConstellationError(
      "artifact.not-found",
      `Cannot apply ${name}: its script ${path} was not bundled into an artifact`,
      {
        remedy: "Apply it with the constellation command or the SDK, which bundle scripts.",
      },
    );
  if (await artifacts.has(artifact)) return;
  throw new ConstellationError(
    "artifact.not-found",
    `Cannot apply ${name}: the artifact ${artifact} of ${path} is not stored here`,
    {
      remedy: "Upload the artifact, then apply again.",
      details: { artifact },
    },
  );
}

async function checkFolder(spec: AppSpec, setting: string, path: string): Promise<void> {
  // Only a folder has something in it that can be asked for: one look tells both.
  const look = access(`${path}/.`, constants.R_OK | constants.X_OK).catch(async (error: NodeJS.ErrnoException) => {
    const isThere = error.code === "ENOTDIR" && (await stat(path).catch(() => null)) !== null;
    throw isThere ? refused(spec, setting, path, "is not a folder") : error;
  });
  await answered(spec, setting, path, look);
}

async function checkReadable(spec: AppSpec, setting: string, path: string): Promise<void> {
  await answered(spec, setting, path, access(path, constants.R_OK));
}

async function answered<T>(spec: AppSpec, setting: string, path: string, look: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(refused(spec, setting, path, `did not answer within ${answerTimeoutMs} ms`)),
      answerTimeoutMs,
    );
  });
  try {
    return await Promise.race([look, late]);
  } catch (error) {
    if (error instanceof ConstellationError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw refused(spec, setting, path, words[code] ?? `cannot be read (${code})`, error);
  } finally {
    clearTimeout(timer);
  }
}

const words: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "cannot be read by the daemon",
  ENOTDIR: "does not exist",
};

const refused = ({ name }: AppSpec, setting: string, path: string, why: string, cause?: unknown): ConstellationError =>
  new ConstellationError("spec.invalid", `Cannot apply ${name}: ${setting} ${path} ${why}`, {
    remedy: "Correct the path; nothing was changed.",
    details: { app: name, setting, path },
    ...(cause === undefined ? {} : { cause }),
  });
