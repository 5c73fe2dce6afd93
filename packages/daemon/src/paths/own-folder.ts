import { statSync } from "node:fs";
import { ConstellationError, shellWord } from "@constellation/contract";

/** Write permission of the group and of others. */
const othersWrite = 0o022;

/**
 * Checks that nobody but this process's user may make and replace files in a folder: programs that are started lie there, and
 * the socket that commands come by. What lies above counts for every program of the machine, and is not looked at.
 *
 * @throws ConstellationError `daemon.start-failed` naming the path, its owner or mode, and the remedy
 */
export function checkOwn(folder: string): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const { uid, mode } = statSync(folder);
  if (uid !== user)
    throw refusal(
      folder,
      `it belongs to uid ${uid}, this daemon runs as uid ${user}`,
      `chown ${user} ${shellWord(folder)}`,
    );
  if ((mode & othersWrite) !== 0) {
    const shown = (mode & 0o7777).toString(8).padStart(4, "0");
    throw refusal(folder, `it has mode ${shown}, so that others may write there`, `chmod go-w ${shellWord(folder)}`);
  }
}

const refusal = (folder: string, why: string, command: string): ConstellationError =>
  new ConstellationError("daemon.start-failed", `Cannot keep state and sockets in ${folder}: ${why}`, {
    remedy: `Look who has put something there, and take it for yourself: \`${command}\`. Or set CONSTELLATION_HOME to another folder.`,
  });
