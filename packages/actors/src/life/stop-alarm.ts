import type { Cell } from "../cell/cell.ts";
import { signal } from "../cell/system-lane.ts";
import { WheelEntry } from "../time/timer-wheel.ts";

/** Rings when the children of a stopping actor take too long. */
export class StopAlarm extends WheelEntry {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    super();
    this.#cell = cell;
  }

  override expire(): void {
    signal(this.#cell, { kind: "alarm", token: this });
  }
}
