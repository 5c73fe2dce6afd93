import { access, constants } from "node:fs";
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
    ...(spec.folder === null ? [] : [checkFolder({ spec, setting: "folder", path: spec.folder })]),
    ...spec.mounts.map(({ source }) => checkReadable({ spec, setting: "mounts", path: source })),
    ...(spec.run.kind === "script" ? [checkArtifact(spec, spec.run, artifacts)] : []),
  ];
  if (looks.length > 0) await inTurn(looks);
}

/** What is told is the first in order that failed, whichever failed first. */
async function inTurn(looks: readonly Promise<void>[]): Promise<void> {
  for (const look of looks) look.catch(() => undefined);
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

/** A path, and where an app names it. */
interface Named {
  readonly spec: AppSpec;
  readonly setting: string;
  readonly path: string;
}

async function checkFolder(named: Named): Promise<void> {
  // Only a folder has something in it that can be asked for: one look tells both.
  const error = await ask(named, `${named.path}/.`, constants.R_OK | constants.X_OK);
  if (error === null) return;
  const isThere = error.code === "ENOTDIR" && (await ask(named, named.path, constants.F_OK)) === null;
  throw isThere ? refused(named, "is not a folder") : unreadable(named, error);
}

async function checkReadable(named: Named): Promise<void> {
  const error = await ask(named, named.path, constants.R_OK);
  if (error !== null) throw unreadable(named, error);
}

/** What the file system has against it. By callback: a promise of `fs` costs a start several times what the look does. */
function ask(named: Named, path: string, mode: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve, reject) => {
    access(path, mode, (error) => {
      clearTimeout(timer);
      resolve(error);
    });
    const late = (): void => reject(refused(named, `did not answer within ${answerTimeoutMs} ms`));
    const timer = setTimeout(late, answerTimeoutMs);
  });
}

function unreadable(named: Named, error: NodeJS.ErrnoException): ConstellationError {
  const code = error.code ?? String(error);
  return refused(named, words[code] ?? `cannot be read (${code})`, error);
}

const words: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "cannot be read by the daemon",
  ENOTDIR: "does not exist",
};

const refused = ({ spec: { name }, setting, path }: Named, why: string, cause?: unknown): ConstellationError =>
  new ConstellationError("spec.invalid", `Cannot apply ${name}: ${setting} ${path} ${why}`, {
    remedy: "Correct the path; nothing was changed.",
    details: { app: name, setting, path },
    ...(cause === undefined ? {} : { cause }),
  });
