import { systemClock } from "../../src/driver/clock.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const dayMs = 86_400_000;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a wait of sixty days lasts sixty days, and can be ended in between", () => {
  const task = vi.fn<() => void>();
  const cancelled = vi.fn<() => void>();
  systemClock.after(60 * dayMs, task);
  const wait = systemClock.after(60 * dayMs, cancelled);
  vi.advanceTimersByTime(59 * dayMs);
  expect(task).not.toHaveBeenCalled();
  wait.cancel();
  vi.advanceTimersByTime(dayMs);
  expect(task).toHaveBeenCalledOnce();
  expect(cancelled).not.toHaveBeenCalled();
});

test("a wait that is over already, or shorter than nothing, comes at once", () => {
  const task = vi.fn<() => void>();
  systemClock.after(-5, task);
  systemClock.after(0, task);
  vi.advanceTimersByTime(1);
  expect(task).toHaveBeenCalledTimes(2);
});

test("it follows the wall when that goes ahead, over a sleep of the machine for one, and never goes back", () => {
  const before = systemClock.nowMs();
  expect(Math.abs(before - Date.now())).toBeLessThan(1000);
  vi.setSystemTime(Date.now() + dayMs);
  vi.advanceTimersByTime(2000);
  const ahead = systemClock.nowMs();
  expect(Math.abs(ahead - Date.now())).toBeLessThan(1000);
  vi.setSystemTime(Date.now() - 2 * dayMs);
  vi.advanceTimersByTime(2000);
  expect(systemClock.nowMs() - ahead).toBeGreaterThanOrEqual(0);
  expect(systemClock.nowMs() - ahead).toBeLessThan(10_000);
});
