import { join } from "node:path";
import { describe, test } from "vitest";
import { logConformance } from "../../src/conformance/index.ts";
import { FileLogStore, ManualClock, MemoryLogStore } from "../../src/index.ts";
import { scratch } from "../scratch.ts";

describe("memory", () => {
  logConformance({ test }, async () => {
    const clock = new ManualClock();
    const store = new MemoryLogStore({ clock });
    return { store, nowMs: () => clock.wallMs(), passMs: async (ms) => clock.advance(ms), close: () => store.close() };
  });
});

// Small files, so that every case runs across rotations.
describe.each([{ maxFileBytes: 10_000_000 }, { maxFileBytes: 2000 }])(
  "files of $maxFileBytes bytes",
  ({ maxFileBytes }) => {
    logConformance({ test }, async () => {
      const clock = new ManualClock();
      const store = new FileLogStore({ directory: join(scratch(), "logs"), clock, maxFileBytes, rotatedFiles: 1000 });
      return {
        store,
        nowMs: () => clock.wallMs(),
        passMs: async (ms) => clock.advance(ms),
        close: () => store.close(),
      };
    });
  },
);
