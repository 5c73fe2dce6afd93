import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessDriver } from "@constellation/instances";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { command, refusal } from "./runs.ts";

let playground: Playground;
let driver: ProcessDriver;
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
  chmodSync(playground.root, 0o755);
});
afterAll(async () => {
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});

test.each<[string, string, number | null, RegExp]>([
  ["that is not there", "./nowhere", null, /ENOENT.*check the command/],
  ["that may not be executed", "./file", 0o644, /EACCES.*make the file executable/],
  ["that is no program", "./file", 0o755, /ENOEXEC.*#!/],
])("a program %s is refused for good, so that nobody tries it again and again", async (_, program, mode, words) => {
  const file = join(playground.root, "file");
  if (mode !== null) {
    writeFileSync(file, "\u0000\u0001 no program");
    chmodSync(file, mode);
  }
  const error = await refusal(driver, command(playground, [program], { folder: playground.root }));
  expect(error).toMatchObject({ code: "program.unrunnable", message: expect.stringMatching(words) as string });
  expect(error.traits.retryable).toBe(false);
});
