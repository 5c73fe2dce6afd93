import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noLimits } from "@constellation/contract";
import { openCgroup } from "@constellation/host";
import { afterEach, expect, test } from "vitest";
import { relimit } from "../../src/process/cgroup-limits.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** The files of a v2 group: 80 MB in use, 30 MB of them files that the kernel can read again. */
function group() {
  const directory = mkdtempSync(join(tmpdir(), "relimit-"));
  folders.push(directory);
  const files = {
    "cgroup.controllers": "cpu io memory pids",
    "memory.current": "80000000",
    "memory.stat": "anon 50000000\ninactive_file 30000000\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  for (const name of ["cpu.max", "cpu.weight", "memory.max", "memory.swap.max", "pids.max"])
    writeFileSync(join(directory, name), "");
  const cgroup = openCgroup({ version: 2, name: "web", directory });
  if (cgroup === undefined) throw new Error("there is no such group");
  return { cgroup, memoryMax: () => readFileSync(join(directory, "memory.max"), "utf8") };
}

test("a bound on memory below what is used is not given to a v2 group that runs: the kernel would kill for it", () => {
  const { cgroup, memoryMax } = group();
  expect(relimit(cgroup, { ...noLimits, memoryBytes: 40_960_000 }, "/", [])).toBeNull();
  expect(memoryMax()).toBe("");
  expect(relimit(cgroup, { ...noLimits, memoryBytes: 61_440_000 }, "/", [])).toEqual([
    { name: "limit.memory", state: "on", detail: "61.4 MB" },
  ]);
  expect(memoryMax()).toBe("61440000");
  cgroup.close();
});
