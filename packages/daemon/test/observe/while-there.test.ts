import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, Machine } from "../daemon/harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

async function count(stream: AsyncIterable<unknown>): Promise<number> {
  let items = 0;
  for await (const _ of stream) items += 1;
  return items;
}

test("what is followed of one app ends when it is removed; what is followed of all goes on", async () => {
  const { platform } = machine.daemon;
  await machine.up({ name: "web", command: ["run"] }, { name: "api", command: ["run"] });
  await eventually(
    () => platform.app("web"),
    ({ status }) => status === "healthy",
  );
  const caller = new AbortController();
  const { signal } = caller;
  const ofWeb = [
    platform.logs({ app: "web", follow: true }, { signal }),
    platform.logs({ instance: "web.1", follow: true }, { signal }),
    platform.samples({ app: "web", intervalMs: 100, follow: true }, { signal }),
  ].map(count);
  let goingOn = 2;
  const ofOthers = [
    platform.logs({ follow: true }, { signal }),
    platform.samples({ app: "api", intervalMs: 100, follow: true }, { signal }),
  ].map((stream) => count(stream).finally(() => (goingOn -= 1)));
  await platform.removeApp("web");
  await Promise.all(ofWeb);
  expect(goingOn).toBe(2);
  caller.abort();
  await Promise.all(ofOthers);
});
