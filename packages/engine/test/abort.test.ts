import { expect, test } from "vitest";
import { beginning, InProcessBus, MemoryLogStore, MemoryStateStore } from "../src/index.ts";

test("one signal may end any number of calls, without a warning and without leaving listeners", async () => {
  const warnings: Error[] = [];
  const heard = (warning: Error): void => void warnings.push(warning);
  process.on("warning", heard);
  const state = new MemoryStateStore();
  const bus = new InProcessBus();
  const logs = new MemoryLogStore();
  const abort = new AbortController();
  const { signal } = abort;
  const ends: Promise<unknown>[] = [];
  const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items);
  };
  bus.subscribe("silent", () => undefined);
  for (let count = 0; count < 40; count += 1) {
    ends.push(drain(state.watch(`k.${count}`, beginning, { signal })), drain(logs.follow({ signal })));
    ends.push(
      bus.request("silent", new Uint8Array(), { timeoutMs: 60_000, retry: "no", signal }).catch(() => undefined),
    );
    bus.subscribe("a", () => undefined, { signal });
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort();
  await Promise.all(ends);
  await new Promise(setImmediate);
  process.off("warning", heard);
  expect(warnings).toEqual([]);
  for (const part of [state, bus, logs]) await part.close();
});
