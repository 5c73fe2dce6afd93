import { parseApp } from "@constellation/contract";
import { checkCapacity, place } from "@constellation/core";
import { describe, expect, test } from "vitest";

const node = { name: "a", cpuCores: 2, memoryBytes: 24e9, pids: 32_768, openFiles: 20_000, diskBytes: null };
const spec = (resources: object) => parseApp({ name: "web", command: ["x"], resources });

describe("placement", () => {
  test("takes the node with the most memory among those that can hold the instance", () => {
    const nodes = [
      node,
      { ...node, name: "b", memoryBytes: 48e9 },
      { ...node, name: "c", cpuCores: 1, memoryBytes: 99e9 },
    ];
    expect(place(spec({ cpu: 2 }).resources, nodes)).toEqual({ kind: "fits", node: "b" });
  });
  test("refuses what the machine can never give, naming both figures", () => {
    expect(() => checkCapacity(spec({ memory: "64GB", cpu: 8 }), [node])).toThrow(
      "Cannot place web: resources.cpu 8 cores exceeds the 2 cores; resources.memory 64 GB exceeds the 24 GB on node a",
    );
  });
  test("lets best effort and what is not known pass", () => {
    expect(() => checkCapacity(spec({ memory: "64GB", bestEffort: true }), [node])).not.toThrow();
    expect(() => checkCapacity(spec({ disk: "64TB" }), [node])).not.toThrow();
  });
  test("without a node there is no room, which is no fault of the spec", () => {
    expect(place(spec({}).resources, [])).toEqual({ kind: "full", reason: "there is no node" });
  });
});
