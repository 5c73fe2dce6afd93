import type { AnyRef, Cell, ForeignRef, Watch } from "../cell/cell.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import type { Packet } from "./packet.ts";
import { reasonToWire } from "./reasons.ts";

/** The monitors and links that actors here hold on actors at the other end; all fire when the connection is lost. */
export class Ties {
  readonly #post: (packet: Packet) => void;
  readonly #monitors = new Map<number, Watch>();
  readonly #numbers = new Map<Watch, number>();
  readonly #links = new Map<ForeignRef, Set<Cell>>();
  #serial = 0;
  #isOpen = true;

  constructor(post: (packet: Packet) => void) {
    this.#post = post;
  }

  monitor(ref: AnyRef, watch: Watch): void {
    if (!this.#isOpen) {
      watch.fire(exit.noconnection);
      return;
    }
    const n = (this.#serial += 1);
    this.#monitors.set(n, watch);
    this.#numbers.set(watch, n);
    this.#post({ kind: "monitor", n, to: ref.id });
  }

  demonitor(watch: Watch): void {
    const n = this.#numbers.get(watch);
    if (n === undefined) return;
    this.#numbers.delete(watch);
    this.#monitors.delete(n);
    this.#post({ kind: "demonitor", n });
  }

  /** A monitor held here has news. */
  down(n: number, reason: ExitReason): void {
    const watch = this.#monitors.get(n);
    if (watch === undefined) return;
    this.#monitors.delete(n);
    this.#numbers.delete(watch);
    watch.fire(reason);
  }

  link(ref: ForeignRef, cell: Cell): void {
    if (!this.#isOpen) {
      cell.linkedExit(ref, exit.noconnection);
      return;
    }
    this.keepLink(ref, cell);
    this.#post({ kind: "link", from: cell.id, to: ref.id });
  }

  /** Notes a link that the other end has set. */
  keepLink(ref: ForeignRef, cell: Cell): void {
    const cells = this.#links.get(ref);
    if (cells === undefined) this.#links.set(ref, new Set([cell]));
    else cells.add(cell);
  }

  unlink(ref: ForeignRef, cell: Cell): void {
    if (this.dropLink(ref, cell)) this.#post({ kind: "unlink", from: cell.id, to: ref.id });
  }

  /** Strikes a link off without a word to the other end; false when there was none. */
  dropLink(ref: ForeignRef, cell: Cell): boolean {
    const cells = this.#links.get(ref);
    if (cells === undefined || !cells.delete(cell)) return false;
    if (cells.size === 0) this.#links.delete(ref);
    return true;
  }

  /** The end of a link that lives here has ended. */
  linkedExit(ref: ForeignRef, cell: Cell, reason: ExitReason): void {
    if (this.dropLink(ref, cell)) this.#post({ kind: "exit", from: cell.id, to: ref.id, reason: reasonToWire(reason) });
  }

  /** The connection is lost: everybody hears of it. */
  lose(): void {
    this.#isOpen = false;
    for (const watch of this.#monitors.values()) watch.fire(exit.noconnection);
    for (const [ref, cells] of this.#links) for (const cell of cells) cell.linkedExit(ref, exit.noconnection);
    this.#monitors.clear();
    this.#numbers.clear();
    this.#links.clear();
  }
}
