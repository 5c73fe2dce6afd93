import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadlines } from "../../src/state/deadlines.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what begins within a second shares a signal that gives each its time and at most a second more", () => {
  const deadlines = new Deadlines(5000);
  const first = deadlines.next();
  vi.advanceTimersByTime(999);
  expect(deadlines.next()).toBe(first);
  vi.advanceTimersByTime(1);
  const second = deadlines.next();
  expect(second).not.toBe(first);
  vi.advanceTimersByTime(4999);
  expect(first.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(first.reason).toMatchObject({ name: "TimeoutError" });
  expect(second.aborted).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(second.aborted).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
