import { openMemoryGauge, type MemoryGauge, type MemoryLevel } from "@constellation/host";
import { readDeathSigns } from "@constellation/guard";

/** Memory as all runs of this machine, or of this container, share it. Opened at the first look. */
export class MachineMemory {
  #gauge: MemoryGauge | undefined;
  #oomKills = 0;

  /** Every bound that this daemon and its runs are under. */
  read(): readonly MemoryLevel[] {
    this.#gauge ??= openMemoryGauge();
    return this.#gauge.read().levels;
  }

  /** Whether the kernel had to kill for memory since the last look. */
  hasKilled(): boolean {
    const before = this.#oomKills;
    this.#oomKills = readDeathSigns()?.oomKills ?? 0;
    return this.#oomKills > before;
  }

  close(): void {
    this.#gauge?.close();
    this.#gauge = undefined;
  }
}
