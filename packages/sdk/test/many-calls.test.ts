import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryClient } from "./memory-home.ts";

const warnings: Error[] = [];
const hear = (warning: Error): void => void warnings.push(warning);
beforeEach(() => void process.on("warning", hear));
afterEach(() => {
  process.off("warning", hear);
  warnings.length = 0;
});

test("one signal serves every call and stream of a program", async () => {
  const client = await memoryClient();
  await client.create({ name: "web", command: ["sleep", "1"] });
  const stop = new AbortController();
  const { signal } = stop;
  const streams = Array.from({ length: 20 }, async () => {
    for await (const _ of client.events({ follow: true, signal }));
  });
  await Promise.all(Array.from({ length: 20 }, () => client.waitHealthy("web", { signal })));
  await Promise.all(Array.from({ length: 20 }, () => client.apps({ signal })));
  stop.abort();
  await Promise.all(streams);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});

test("more calls at once than a daemon has connections take turns", async () => {
  const client = await memoryClient();
  const answers = await Promise.all(Array.from({ length: 1000 }, () => client.version()));
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
});
