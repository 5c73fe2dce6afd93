import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { blobConformance, blobQuotaBytes } from "../../src/conformance/index.ts";
import { FileBlobStore, ManualClock, MemoryBlobStore } from "../../src/index.ts";
import { namesIn, scratch } from "../scratch.ts";

describe("memory", () => {
  blobConformance({ test }, async () => {
    const clock = new ManualClock();
    const store = new MemoryBlobStore({ clock, quotaBytes: blobQuotaBytes });
    return { store, passMs: async (ms) => clock.advance(ms), close: () => store.close() };
  });
});

describe("files", () => {
  blobConformance({ test }, async () => {
    const clock = new ManualClock();
    const directory = join(scratch(), "blobs");
    const store = new FileBlobStore({ directory, clock, quotaBytes: blobQuotaBytes });
    return {
      store,
      passMs: async (ms) => clock.advance(ms),
      async close() {
        await store.close();
        const partial = join(directory, "partial");
        if (existsSync(partial)) assert.deepEqual(namesIn(partial), [], "partial uploads were left");
      },
    };
  });
});
