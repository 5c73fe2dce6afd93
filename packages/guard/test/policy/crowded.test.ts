import { describe, expect, it } from "vitest";
import { isCrowded } from "../../src/policy/crowded.ts";
import type { GuardSample } from "../../src/policy/level.ts";
import { defaultPolicy, policyFor } from "../../src/policy/settings.ts";

/** Of a group of 400: what all use, and what of it the run does. */
const at = (usedBytes: number, treeBytes: number | undefined): GuardSample => ({
  atMs: 0,
  bounds: [
    { name: "machine", limitBytes: 100_000, usedBytes: 10_000 + usedBytes },
    { name: "/g", limitBytes: 400, usedBytes },
  ],
  treeBytes,
  cpuShare: undefined,
  stallPercent: undefined,
  shielded: [],
});

describe("who took the memory", () => {
  it("is others, when the run would have stayed below its threshold without what they took since", () => {
    expect(isCrowded(at(50, 0), at(350, 160), defaultPolicy)).toBe(true);
  });

  it("is the run, when it would be over its threshold anyway or when others took next to nothing", () => {
    expect(isCrowded(at(50, 0), at(390, 280), defaultPolicy)).toBe(false);
    expect(isCrowded(at(50, 0), at(250, 190), defaultPolicy)).toBe(false);
    expect(isCrowded(at(200, 0), at(340, 130), defaultPolicy)).toBe(false);
  });

  it("is not known without a figure of the run's own, and is the run at a bound of its own", () => {
    expect(isCrowded(at(50, undefined), at(350, undefined), defaultPolicy)).toBe(false);
    expect(isCrowded(at(50, 0), at(350, 160), policyFor({ kind: "bytes", bytes: 150 }))).toBe(false);
  });
});
