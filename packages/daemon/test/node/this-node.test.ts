import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Driver } from "@constellation/instances";
import { expect, test } from "vitest";
import { ThisNode } from "../../src/node/index.ts";

const noDriver = { probe: () => Promise.resolve([]) } as unknown as Driver;

test.runIf(process.getuid?.() === 0)("a disk that the instances have filled is as large as before", () => {
  const disk = mkdtempSync(join(tmpdir(), "node-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
  try {
    const node = new ThisNode(noDriver, disk);
    expect(node.capacity().diskBytes).toBe(2 ** 20);
    writeFileSync(join(disk, "data"), Buffer.alloc(2 ** 20));
    expect(node.capacity().diskBytes).toBe(2 ** 20);
  } finally {
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  }
});

test("of a disk that is not there nothing is known", () => {
  expect(new ThisNode(noDriver, "/nowhere/at/all").capacity().diskBytes).toBeNull();
});
