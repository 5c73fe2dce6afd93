import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { listProcesses } from "../chaos/processes.ts";

/** What a home without apps and without a daemon has left behind: nothing, when all is well. */
export function leftOnMachine(home: string): string[] {
  return [
    ...listProcesses()
      .filter(
        ({ pid, command, environment }) =>
          pid !== process.pid && (command.includes(home) || environment["CONSTELLATION_HOME"] === home),
      )
      .map(({ pid, command }) => `process ${pid}: ${command}`),
    ...linesWith("/proc/self/mountinfo", home).map((line) => `mount ${line}`),
    ...linesWith("/proc/net/unix", home).map((line) => `socket ${line}`),
    ...loopDevicesOf(home).map((name) => `loop device ${name}`),
    ...controlGroupsOf(home).map((path) => `control group ${path}`),
    ...["runs", "ports"].flatMap((name) => entriesOf(join(home, "run", name))).map((path) => `file ${path}`),
  ];
}

/** Ends of wires in this network. */
export const wires = (): string[] => Object.keys(networkInterfaces()).filter((name) => /^(cst|veth)/.test(name));

function linesWith(path: string, text: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.includes(text));
}

function loopDevicesOf(home: string): string[] {
  return readdirSync("/sys/block").filter((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    try {
      return name.startsWith("loop") && readFileSync(file, "utf8").includes(home);
    } catch {
      return false;
    }
  });
}

/** The daemon's base is named after its home; what lies below it belongs to instances. */
function controlGroupsOf(home: string): string[] {
  const name = `constellation-${createHash("sha256").update(home).digest("hex").slice(0, 8)}`;
  return linesWith("/proc/self/mountinfo", " - cgroup")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .flatMap((root) => [join(root, name), ...entriesOf(root).map((folder) => join(folder, name))])
    .flatMap((base) => (existsSync(base) ? readdirSync(base, { withFileTypes: true }) : []))
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name: child }) => join(parentPath, child));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
