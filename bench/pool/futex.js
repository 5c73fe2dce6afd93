// The floor under every wake-up: one thread wakes another by a bare futex, in C. Left out where no compiler is.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Null without a compiler; else a function that gives the median of 200 wake-ups, one each `periodMs`, in µs. */
export function openFutex() {
  const folder = mkdtempSync(join(tmpdir(), "bench-futex-"));
  const program = join(folder, "futex");
  const source = fileURLToPath(new URL("futex.c", import.meta.url));
  if (spawnSync("cc", ["-O2", "-pthread", "-o", program, source]).status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const measure = (periodMs) => Number(execFileSync(program, [String(periodMs * 1000)], { timeout: 20_000 }));
  return Object.assign(measure, { close: () => rmSync(folder, { recursive: true }) });
}
