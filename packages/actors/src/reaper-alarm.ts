import type { Cell } from "./cell.ts";
import { kill } from "./killing.ts";
import { WheelEntry } from "./timer-wheel.ts";

/** Kills an actor that was told to end and did not in time. */
export class ReaperAlarm extends WheelEntry {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    super();
    this.#cell = cell;
  }

  override expire(): void {
    kill(this.#cell);
  }
}
