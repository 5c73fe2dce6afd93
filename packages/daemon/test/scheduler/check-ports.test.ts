import { parseApp } from "@constellation/contract";
import { expect, test } from "vitest";
import { checkPortConflicts } from "../../src/scheduler/check-ports.ts";

const on = (name: string, address: string) => parseApp({ name, command: ["run"], port: { public: 18_080, address } });
const [a, b] = [on("a", "127.0.0.1"), on("b", "127.0.0.1")];

test("an app that runs is named as one to stop, one that is only to come is not", () => {
  expect(() => checkPortConflicts([a], [b])).toThrow(
    expect.objectContaining({ code: "port.in-use", remedy: expect.stringContaining("`constellation stop a`") }),
  );
  expect(() => checkPortConflicts([], [a, b])).toThrow(
    expect.objectContaining({
      message: "Cannot run b: its public port 18080 belongs to the app a of the same change",
      remedy: "Choose another port for b or for a; nothing was changed.",
    }),
  );
});

test.each([
  ["127.0.0.1", "127.0.0.2", false],
  ["127.0.0.1", "::1", false],
  ["0.0.0.0", "::1", false],
  ["0.0.0.0", "127.0.0.2", true],
  ["::", "127.0.0.1", true],
  ["::", "::1", true],
  ["::1", "0:0::1", true],
  ["::ffff:127.0.0.1", "127.0.0.1", true],
])("%s and %s: one port for both is refused: %s", (one, other, refused) => {
  for (const [first, second] of [
    [one, other],
    [other, one],
  ] as const) {
    const check = () => checkPortConflicts([on("a", first)], [on("b", second)]);
    if (refused) expect(check).toThrow(expect.objectContaining({ code: "port.in-use" }));
    else check();
  }
});
