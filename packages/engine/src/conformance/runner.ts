/** What a test framework must offer to run a suite: vitest's and node:test's `test` both fit. */
export interface Runner {
  readonly test: (name: string, run: () => Promise<void>) => unknown;
}

/** Something opened for one case, and how it is put away. */
export interface Opened {
  close(): Promise<void>;
}

/** Registers a case that opens its own subject and closes it however the case ends. */
export function caseOver<S extends Opened>(
  { test }: Runner,
  open: () => Promise<S>,
): (name: string, run: (subject: S) => Promise<void>) => void {
  return (name, run) => {
    test(name, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    });
  };
}

/** Repeatable random numbers (mulberry32): a failing case is run again by its seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Bytes of a text, and back. */
export const utf8 = {
  of: (text: string): Uint8Array => new TextEncoder().encode(text),
  text: (bytes: Uint8Array | undefined | null): string | undefined =>
    bytes ? new TextDecoder().decode(bytes) : undefined,
};
