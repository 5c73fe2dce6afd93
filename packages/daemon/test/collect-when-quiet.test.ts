import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { collectWhenQuiet } from "../src/collect-when-quiet.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as NodeJS.GCFunction;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Leaves garbage in the nursery. V8 may collect it at any time: whoever wants some has to litter again. */
function litter(): void {
  const garbage = Array.from({ length: 8000 }, (_, at) => ({ at, words: [at, at, at, at] }));
  expect(garbage).toHaveLength(8000);
}

/** A collector that counts. */
function counting(): { readonly worked: () => void; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const worked = collectWhenQuiet(((options: NodeJS.GCOptions) => {
    asked.push(options);
    collect(options);
  }) as NodeJS.GCFunction);
  return { worked, asked };
}

test("collects after the work, and once", async () => {
  const { worked, asked } = counting();
  while (asked.length === 0) {
    litter();
    worked();
    await sleep(30);
  }
  await sleep(50);
  expect(asked).toEqual([{ type: "minor", execution: "sync" }]);
});

test("not while there is work", async () => {
  const { worked, asked } = counting();
  // This timer is due before the collector's each time, however late both are.
  for (let at = 0; at < 20; at += 1) {
    litter();
    worked();
    await sleep(2);
  }
  expect(asked).toEqual([]);
});

test("not for next to nothing", async () => {
  const { worked, asked } = counting();
  collect({ type: "minor", execution: "sync" });
  worked();
  await sleep(50);
  expect(asked).toEqual([]);
});

test("leaves V8 alone where nothing can be asked of it", () => {
  expect(() => collectWhenQuiet(undefined)()).not.toThrow();
});
