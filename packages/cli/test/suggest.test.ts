import fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "../src/suggest.ts";

test.each([
  ["wbe", "web"],
  ["we", "web"],
  ["webb", "web"],
  ["web", null],
  ["database", null],
  ["x", null],
])("for %s it suggests %s", (word, name) => {
  expect(nearest(word, ["web", "api-gateway"])).toBe(name);
});

test("one edit away is always found", () => {
  const name = fc.stringMatching(/^[a-z]{4,10}$/);
  fc.assert(
    fc.property(name, fc.nat(), (word, at) => {
      const index = at % word.length;
      const edited = word.slice(0, index) + word.slice(index + 1);
      expect(nearest(edited, [word])).toBe(word);
    }),
  );
});
