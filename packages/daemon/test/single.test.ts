import { EngineError } from "@constellation/engine";
import { expect, test } from "vitest";
import { openAlone } from "../src/single/index.ts";

test.each([
  [4711, "process 4711 holds /s/state.db already", "If it does not answer: `kill 4711`"],
  [null, "another process holds /s/state.db already", "constellation daemon stop"],
])("state that process %s holds is in use, and not out of reach", (holderPid, text, way) => {
  const open = (): never => {
    throw new EngineError("unavailable", "taken", { holderPid });
  };
  expect(() => openAlone("/s/state.db", open)).toThrow(
    expect.objectContaining({
      code: "daemon.busy",
      message: expect.stringContaining(text),
      remedy: expect.stringContaining(way),
    }),
  );
});
