import { type Cell, extrasOf, type AnyRef } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { DEAD } from "../cell/flags.ts";

/** The name belongs to another living actor. */
export class NameTakenError extends Error {
  override readonly name = "NameTakenError";
  readonly holder: ActorRef<never>;

  constructor(taken: string, holder: ActorRef<never>) {
    super(
      `Cannot register the name ${JSON.stringify(taken)}: ${holder.address} holds it; stop that actor or choose another name`,
    );
    this.holder = holder;
  }
}

/** Names of actors, each unique in its system. A name is free again when its actor ends. */
export class Registry {
  readonly #cells = new Map<string, Cell>();

  /** @throws NameTakenError when another actor holds `name`; TypeError for an actor that does not live here. */
  register(name: string, ref: ActorRef<never>): void {
    const cell = (ref as AnyRef).local;
    if (cell === null || (cell.flags & DEAD) !== 0)
      throw new TypeError(
        `Cannot register the name ${JSON.stringify(name)}: ${ref.address} does not live in this system`,
      );
    const holder = this.#cells.get(name);
    if (holder === cell) return;
    if (holder !== undefined) throw new NameTakenError(name, holder);
    this.#cells.set(name, cell);
    (extrasOf(cell).names ??= []).push(name);
  }

  /** Frees a name; false when nobody held it. */
  unregister(name: string): boolean {
    const cell = this.#cells.get(name);
    if (cell === undefined) return false;
    this.#cells.delete(name);
    const { extras } = cell;
    if (extras?.names) extras.names = extras.names.filter((other) => other !== name);
    return true;
  }

  /** The actor that holds `name` now. Its messages are of the type that the caller knows it to take. */
  whereIs<Message = never>(name: string): ActorRef<Message> | undefined {
    return this.#cells.get(name);
  }

  /** All names that are held, in the order in which they were registered. */
  names(): string[] {
    return [...this.#cells.keys()];
  }

  /** @internal */
  cellOf(name: string): Cell | null {
    return this.#cells.get(name) ?? null;
  }

  /** @internal Frees the name of an actor that ends. */
  free(name: string, cell: Cell): void {
    if (this.#cells.get(name) === cell) this.#cells.delete(name);
  }
}
