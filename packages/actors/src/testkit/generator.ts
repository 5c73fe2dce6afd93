/** Numbers in [0, 1) that repeat for a seed: a 32-bit xorshift (Marsaglia, Journal of Statistical Software 8, 2003). */
export function generator(seed: number): () => number {
  // Zero would stay zero; small seeds differ in few bits, so they are spread first.
  let state = Math.imul(seed, 0x9e3779b1) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
