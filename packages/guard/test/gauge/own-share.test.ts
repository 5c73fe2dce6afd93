import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openOwnShare } from "../../src/gauge/own-share.ts";

describe("a run's share of the CPUs that it may use", () => {
  it("is full at the quota, however many CPUs the machine has", () => {
    let usedUs = 0;
    const share = openOwnShare(() => usedUs, 0.5);
    expect(share(0)).toBe(0);
    usedUs += 250_000;
    expect(share(1000)).toBe(0.5);
    usedUs += 500_000;
    expect(share(2000)).toBe(1);
    expect(share(3000)).toBe(0);
  });

  it("is nothing where it is not known", () => {
    const share = openOwnShare(() => undefined, 2);
    expect([share(0), share(1000)]).toEqual([0, 0]);
  });

  it("stays between 0 and 1 whatever clocks and counters do", () => {
    const look = fc.tuple(
      fc.double({ noNaN: true, min: -1e6, max: 1e12 }),
      fc.double({ noNaN: true, min: 0, max: 1e15 }),
    );
    fc.assert(
      fc.property(fc.array(look), fc.double({ noNaN: true, min: 0, max: 1024 }), (looks, cores) => {
        let usedUs = 0;
        const share = openOwnShare(() => usedUs, cores);
        for (const [atMs, used] of looks) {
          usedUs = used;
          const now = share(atMs);
          expect(now >= 0 && now <= 1).toBe(true);
        }
      }),
    );
  });
});
