/** A copy of the bytes. `slice` makes none of a Node Buffer: its result shares the memory. */
export function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
