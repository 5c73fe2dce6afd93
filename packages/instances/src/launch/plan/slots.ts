/** Numbers for the descriptors that a plan keeps while it runs; the launcher has room for 32. */
export class Slots {
  #next = 0;

  /** @throws RangeError when all are taken */
  take(what: string): number {
    if (this.#next >= 32)
      throw new RangeError(`a launch can hold 32 descriptors; no room for ${what}; use fewer binds or sockets`);
    return this.#next++;
  }
}
