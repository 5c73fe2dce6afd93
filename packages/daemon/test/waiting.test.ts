import { expect, test } from "vitest";
import { until } from "../src/waiting.ts";

const dayMs = 86_400_000;

test("who may take longer than a timer can is waited for", async () => {
  const state = { isOver: false, changed: () => undefined as void };
  const waiting = until(
    () => state.isOver,
    [(changed) => ((state.changed = changed), () => undefined)],
    30 * dayMs,
    () => "it is not over yet",
  );
  const early = new Promise((resolve) => setTimeout(resolve, 50, "still waiting"));
  expect(await Promise.race([waiting, early])).toBe("still waiting");
  state.isOver = true;
  state.changed();
  await waiting;
});
