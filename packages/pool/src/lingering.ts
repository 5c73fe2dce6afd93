import { clearImmediate, setImmediate } from "node:timers";
import { Patience } from "./patience.ts";

/** Turns of an event loop that has nothing to do, 1 to 1.5 µs each: two to three times what a wake-up takes. */
const mostTurns = 200;

/**
 * Keeps the event loop of this thread turning for 0.2 to 0.3 ms at most, instead of asleep, because something is about to
 * come: to be woken would take half of what a short task takes there and back. The loop serves whatever else comes
 * meanwhile. How long is learned, so that who waits in vain soon does so for a turn only.
 */
export class Lingering {
  readonly #patience = new Patience(mostTurns);
  #left = 0;
  #immediate: NodeJS.Immediate | null = null;
  readonly #turn = (): void => {
    this.#left -= 1;
    if (this.#left > 0) this.#immediate = setImmediate(this.#turn);
    else {
      this.#immediate = null;
      this.#patience.wasInVain();
    }
  };

  /** Something is about to come. */
  begin(): void {
    this.#left = this.#patience.begin();
    if (this.#left > 0) this.#immediate ??= setImmediate(this.#turn);
  }

  /** It has come. */
  end(): void {
    if (this.#immediate === null) return;
    clearImmediate(this.#immediate);
    this.#immediate = null;
    this.#patience.paid();
  }
}
