import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideHold, mostHoldMs, noHold } from "../../src/policy/hold.ts";

describe("holding tests back", () => {
  it("begins at once, ends at once, and ends by itself where nothing changes", () => {
    const held = decideHold(noHold, true, 0);
    expect(held.isHolding).toBe(true);
    expect(decideHold(held, false, 100).isHolding).toBe(false);
    expect(decideHold(held, true, mostHoldMs - 1).isHolding).toBe(true);
    const over = decideHold(held, true, mostHoldMs);
    expect(over.isHolding).toBe(false);
    expect(decideHold(over, true, mostHoldMs + 3999).isHolding).toBe(false);
    expect(decideHold(over, true, mostHoldMs + 4000).isHolding).toBe(true);
  });

  it("takes a fifth of the time at most, after the first five seconds", () => {
    const step = fc.record({ ms: fc.integer({ min: 1, max: 1000 }), wants: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let state = decideHold(noHold, false, 0);
        let atMs = 0;
        let heldMs = 0;
        for (const { ms, wants } of steps) {
          if (state.isHolding) heldMs += ms;
          atMs += ms;
          state = decideHold(state, wants, atMs);
          if (!wants) expect(state.isHolding).toBe(false);
          // What is held is known to be over with the next look, a second later at most.
          expect(heldMs).toBeLessThanOrEqual(mostHoldMs + atMs / 5 + 1000);
        }
      }),
    );
  });
});
