import { describe, test } from "vitest";
import { busConformance } from "../../src/conformance/index.ts";
import { InProcessBus } from "../../src/index.ts";

describe("in process", () => {
  busConformance({ test }, async () => {
    const bus = new InProcessBus();
    return { bus, other: bus, settled: () => new Promise(setImmediate), close: () => bus.close() };
  });
});
