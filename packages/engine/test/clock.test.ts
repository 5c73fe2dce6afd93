import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../src/index.ts";

const dayMs = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("an alarm may be further off than Node's timers reach, and can be taken back", () => {
  const rung: string[] = [];
  systemClock.after(60 * dayMs, () => rung.push("60 days"));
  systemClock.after(Infinity, () => rung.push("never"));
  const cancel = systemClock.after(50 * dayMs, () => rung.push("50 days"));
  vi.advanceTimersByTime(49 * dayMs);
  cancel();
  vi.advanceTimersByTime(11 * dayMs - 1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual(["60 days"]);
});
