import { expect, it } from "vitest";
import { answer, order, stride, unlimited, type Batch, type Boot } from "../src/wire/protocol.ts";
import { hasBegun, type Link, type LinkEvents } from "../src/worker/link.ts";
import { Lifeline } from "../src/worker/lifeline.ts";
import { startProcess } from "../src/worker/process-link.ts";
import { startThread } from "../src/worker/thread-link.ts";

const boot: Boot = {
  modules: { "": new URL("./fixtures/odd-tasks.js", import.meta.url).href },
  bundle: null,
  preload: [],
  resolveFrom: import.meta.filename,
  warmUp: null,
  concurrency: 1,
  compileCache: null,
  nicenessUntilWarm: null,
};
const marker = { name: "CONSTELLATION_POOL_WORKER", value: `${process.pid}-ids-` };
const lifeline = new Lifeline(marker, false);
const starts = {
  thread: (events: LinkEvents) => startThread({}, events),
  process: (events: LinkEvents) => startProcess({}, { lifeline, marker, mayFork: false, snapshotBlob: null }, events),
};

it.each(Object.entries(starts))(
  "one lease of a %s may send more than a word of 32 bits can count",
  async (_name, start) => {
    const told: unknown[][] = [];
    const waiters: (() => void)[] = [];
    const link: Link = start({
      onBatch(batch: Batch) {
        for (let at = 0; at < batch.length; at += stride) told.push(batch.slice(at, at + 3));
        for (const go of waiters.splice(0)) go();
      },
      onBytes: () => undefined,
      onExit: () => undefined,
    });
    const heard = async (op: number, count: number): Promise<unknown[][]> => {
      const found = told.filter(([each]) => each === op);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => waiters.push(resolve));
      return heard(op, count);
    };
    try {
      link.post([order.boot, 0, "", boot], null);
      await heard(answer.warm, 1);
      const ids = [-1, 0, 1, 2].map((each) => unlimited + each);
      link.post(
        ids.flatMap((id) => [order.run, id, "echo", id]),
        null,
      );
      expect(await heard(answer.done, ids.length)).toEqual(ids.map((id) => [answer.done, id, id]));
      expect(ids.map((id) => hasBegun(id, link.lastStarted()))).toEqual(ids.map(() => true));
      expect(hasBegun(unlimited + 3, link.lastStarted())).toBe(false);
    } finally {
      await link.terminate();
      await lifeline.close();
    }
  },
);
