import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readKernelFile } from "../../src/proc/read-file.ts";

test("a short file is read after a long one: the kernel is never asked for more than it has memory for", () => {
  const folder = mkdtempSync(join(tmpdir(), "read-file-"));
  try {
    const long = "0123456789abcde\n".repeat(400_000);
    writeFileSync(join(folder, "long"), long);
    expect(readKernelFile(join(folder, "long"))).toBe(long);
    expect(readKernelFile("/proc/sys/kernel/ostype")).toBe("Linux\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
