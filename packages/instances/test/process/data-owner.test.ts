import { appendFileSync, chownSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StartRequest } from "@constellation/instances";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asRoot } from "../launch/world.ts";
import { Playground } from "./playground.ts";
import { runToEnd, shell } from "./runs.ts";

describe.skipIf(!asRoot)("an instance that was given another number", () => {
  let playground: Playground;
  beforeEach(() => void (playground = new Playground("launcher")));
  afterEach(async () => {
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });
  const instance = (script: string): StartRequest => ({ ...shell(playground, script), app: "kept", index: 1 });
  const numbers = (): string => join(playground.state, "numbers.jsonl");

  for (const given of ["nothing", "a part", "everything"] as const)
    test(`has its files, although the daemon that did it died when ${given} had been given`, async () => {
      const first = await playground.open();
      const write = "umask 077; mkdir -p deep/er; echo kept > deep/er/file; ln -s /etc/passwd link; ln -s er deep/link";
      expect((await runToEnd(first, instance(write))).exit).toMatchObject({ kind: "completed" });
      await first.close();
      const data = join(playground.state, "data/kept.1");
      const before = lstatSync(data).uid;
      const [, number] = JSON.parse(readFileSync(numbers(), "utf8")) as [string, number];
      const after = before + 1;
      const all = ["deep/er/file", "deep/er", "deep", "."];
      const had = { nothing: [], "a part": ["deep/er/file"], everything: all }[given];
      for (const path of had) chownSync(join(data, path), after, after);
      // A daemon that had time to keep the number, or, when the machine lost its power, one that had not.
      if (given !== "everything") appendFileSync(numbers(), `${JSON.stringify(["kept.1", number + 1])}\n`);
      const next = await playground.open();
      const read = "cat deep/er/file && echo more >> deep/link/file && rm deep/link link && echo done";
      expect((await runToEnd(next, instance(read))).lines).toEqual(["kept", "done"]);
      expect(lstatSync("/etc/passwd").uid).toBe(0);
    });
});
