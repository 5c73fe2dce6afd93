import { expect, test } from "vitest";
import { MemoryLogStore } from "../../src/index.ts";

test("a log of empty lines is bounded, too", async () => {
  const store = new MemoryLogStore({ maxBytesPerInstance: 1000 });
  await store.append("a", [{ stream: "stdout", text: "\n".repeat(1000) }]);
  let lines = 0;
  for await (const _ of store.query({})) lines += 1;
  expect(lines).toBe(24);
  await store.close();
});
