import { ConstellationError } from "@constellation/contract";
import { expect, test } from "vitest";
import { startFailure } from "../../src/lifecycle/start-failure.ts";

test("a reason says what is wrong and what to do, however long the words are that it names", () => {
  const word = "x".repeat(100_000);
  const remedy = "Name a program that there is.";
  const { exit } = startFailure(
    new ConstellationError("instance.start-failed", `Cannot start web.1: /${word}`, { remedy }),
    5,
  );
  expect(exit.reason).toMatch(/^Cannot start web\.1: \/x+ … x+; name a program that there is$/);
  expect(exit.reason.length).toBeLessThan(5000);
  expect(startFailure(new ConstellationError("instance.start-failed", "Cannot start", { remedy }), 5).exit.reason).toBe(
    "Cannot start; name a program that there is",
  );
});
