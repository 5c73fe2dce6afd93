import type { RunHandle } from "@constellation/instances";
import { expect, test } from "vitest";
import type { ObservedInstance } from "../../src/agent/index.ts";
import { Backends } from "../../src/publicports/backends.ts";

const instance = (index: number): ObservedInstance => ({
  app: "web",
  index,
  revision: 1,
  refused: null,
  tries: 0,
  begunAt: 0,
  driver: "process",
  state: { status: "running", since: 0, pid: index, ready: true, notReady: null },
  restarts: 0,
  run: {
    handle: { facts: { address: "127.0.0.1" } } as unknown as RunHandle,
    ports: [
      {
        mode: "forwarded",
        name: "http",
        port: 20_000 + index,
        publicPort: 80,
        address: "127.0.0.1",
        url: "http://127.0.0.1",
      },
    ],
  },
  history: [],
});

test("of more instances than a forwarder takes so many are served, and that is told once", () => {
  const reports: string[] = [];
  const backends = new Backends((text) => reports.push(text));
  const all = Array.from({ length: 130 }, (_, at) => instance(at + 1));
  const chosen = (instances: readonly ObservedInstance[]) => backends.of("web.80", instances, 80, new Set()).length;
  expect([chosen(all), chosen(all)]).toEqual([128, 128]);
  expect(reports).toEqual(["web.80: 130 instances are ready, and connections go to 128 of them at a time"]);
  expect([chosen(all.slice(0, 2)), chosen(all)]).toEqual([2, 128]);
  expect(reports).toHaveLength(2);
});
