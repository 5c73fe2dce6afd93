import { describe, expect, it } from "vitest";
import { describeExit, exit, type ExitReason } from "@constellation/actors";
import { errorToWire, reasonFromWire, reasonToWire, RemoteError } from "../../src/remote/reasons.ts";

describe("an exit reason", () => {
  it("is said in words, whatever it carries", () => {
    const texts: [ExitReason, string][] = [
      [exit.normal, "normal"],
      [exit.shutdown, "shutdown"],
      [exit.shutdownWith("why"), "shutdown: why"],
      [exit.error(new Error("broken")), "error: broken"],
      [exit.error({ code: 5 }), "error: [object Object]"],
      [exit.error(null), "error: null"],
      [exit.noconnection, "noconnection"],
    ];
    for (const [reason, text] of texts) expect(describeExit(reason)).toBe(text);
  });

  it("travels as plain data", () => {
    for (const reason of [exit.normal, exit.shutdown, exit.killed, exit.noproc, exit.noconnection])
      expect(reasonFromWire(reasonToWire(reason))).toBe(reason);
    const details: [unknown, unknown][] = [
      ["text", "text"],
      [5, 5],
      [null, null],
      [new Error("inner"), "inner"],
      [{ a: 1 }, "[object Object]"],
      [Symbol("s"), "Symbol(s)"],
    ];
    for (const [detail, arrived] of details)
      expect(reasonFromWire(reasonToWire(exit.shutdownWith(detail)))).toEqual(exit.shutdownWith(arrived));
    expect(reasonFromWire(reasonToWire(exit.error("text")))).toMatchObject({
      error: { message: "text", remoteName: "Error" },
    });
    expect(reasonFromWire({ kind: "error" })).toMatchObject({ error: { message: "unknown" } });
    const bare = new Error("bare");
    delete (bare as { stack?: string }).stack;
    expect(errorToWire(bare)).toEqual({ name: "Error", message: "bare" });
    expect(new RemoteError({ name: "X", message: "m", stack: "at x" }).stack).toContain("in another system:\nat x");
  });
});
