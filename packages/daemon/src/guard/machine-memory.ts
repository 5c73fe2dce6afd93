import { openMemoryGauge, type MemoryGauge } from "@constellation/host";
import type { SharedMemory } from "@constellation/guard";
import { readFileSync } from "node:fs";

/** Memory as all runs of this machine, or of this container, share it. Opened at the first look. */
export class MachineMemory {
  #gauge: MemoryGauge | undefined;
  #oomKills = 0;

  /** The bound that is nearest to being full. */
  read(): SharedMemory & { readonly bounds: readonly string[] } {
    this.#gauge ??= openMemoryGauge();
    const { levels, tightest } = this.#gauge.read();
    const fullest = levels.reduce(
      (most, level) => (level.usedBytes / level.limitBytes > most.usedBytes / most.limitBytes ? level : most),
      tightest,
    );
    const { limitBytes, usedBytes } = fullest;
    return { limitBytes, usedBytes, bounds: levels.map(({ name }) => name) };
  }

  /** Whether the kernel had to kill for memory since the last look. */
  hasKilled(): boolean {
    const before = this.#oomKills;
    this.#oomKills = oomKills();
    return this.#oomKills > before;
  }

  close(): void {
    this.#gauge?.close();
    this.#gauge = undefined;
  }
}

function oomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
  } catch {
    // Off Linux nothing counts them.
    return 0;
  }
}
