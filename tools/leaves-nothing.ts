import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Kept on purpose: compiled code for the next pool of the same user, and for the next command (Node 22 and newer). */
const isKept = (name: string): boolean => /^(?:constellation-pool-cache-\d+|node-compile-cache)$/.test(name);

/** What the tests and the product call their control groups. */
const ourGroup = /^(?:constellation|e2e|host)-/;
/** Stays until the next guarded run when a test has killed the last one. */
const sharedGroup = "constellation-guard";

/**
 * Gives a whole run of the tests a folder of temporary files of its own, and fails the run when a test has left a file,
 * a mount or a process in it, or a control group.
 */
export default function setup(): () => void {
  // Short: sockets lie below it.
  const folder = mkdtempSync(join(tmpdir(), "ct-"));
  // Some tests run programs as other users.
  chmodSync(folder, 0o1777);
  process.env["TMPDIR"] = folder;
  const groupsBefore = new Set(groups());
  return () => {
    const left = [...mountsIn(folder), ...processesIn(folder), ...filesIn(folder)];
    // Elsewhere a daemon, or another run of these tests, may have made one meanwhile.
    if (process.env["CI"])
      left.push(...groups().flatMap((path) => (groupsBefore.has(path) ? [] : `control group ${path}`)));
    if (left.length === 0) {
      rmSync(folder, { recursive: true });
      return;
    }
    // An error thrown here would be printed, and the run would pass.
    process.exitCode = 1;
    console.error(`The tests left this in ${folder}; look at it, then remove it:\n  ${left.join("\n  ")}`);
  };
}

function mountsIn(folder: string): string[] {
  const table = "/proc/self/mountinfo";
  if (!existsSync(table)) return [];
  const places = readFileSync(table, "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  return places.filter((place) => place.startsWith(`${folder}/`)).map((place) => `mount ${place}`);
}

function processesIn(folder: string): string[] {
  if (!existsSync("/proc/self")) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => ["cwd", "exe", "root"].some((link) => leadsInto(folder, `/proc/${pid}/${link}`)))
    .map((pid) => `process ${pid}: ${commandOf(pid)}`);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "(it has ended meanwhile)";
  }
}

function leadsInto(folder: string, link: string): boolean {
  try {
    return readlinkSync(link).startsWith(folder);
  } catch {
    // It has ended, or is none of ours.
    return false;
  }
}

/** Control groups with a name of ours, and all below them, in every hierarchy. */
function groups(folder = "/sys/fs/cgroup", isOurs = false): string[] {
  return foldersIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const isOneOfOurs = isOurs || ourGroup.test(name);
    const below = groups(path, isOneOfOurs);
    return isOneOfOurs && name !== sharedGroup ? [path, ...below] : below;
  });
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch {
    // It has gone, or this machine has none.
    return [];
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !isKept(name))
    .map((name) => `file ${name}`);
}
