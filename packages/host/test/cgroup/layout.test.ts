import { expect, test } from "vitest";
import { detectCgroups, openCgroupBase, systemRoots } from "../../src/index.ts";
import { machineTree } from "../machine-trees.ts";

test("a user's session on cgroup v2", () => {
  const tree = machineTree("v2-rootless");
  expect(detectCgroups(tree)).toEqual({
    kind: "v2",
    unified: {
      mountPoint: `${tree.sys}/fs/cgroup`,
      ownDirectory: `${tree.sys}/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-r7.scope`,
    },
    controllers: ["cpu", "memory", "pids"],
  });
});

test("a container with a cgroup namespace of its own", () => {
  const tree = machineTree("v2-container");
  const mountPoint = `${tree.sys}/fs/cgroup`;
  expect(detectCgroups(tree)).toMatchObject({ kind: "v2", unified: { mountPoint, ownDirectory: mountPoint } });
});

test("a v1 container without one: its part of each hierarchy is mounted as the top", () => {
  const tree = machineTree("v1-docker");
  const layout = detectCgroups(tree);
  expect(layout.kind).toBe("v1");
  if (layout.kind !== "v1") return;
  const both = { mountPoint: `${tree.sys}/fs/cgroup/cpu,cpuacct`, ownDirectory: `${tree.sys}/fs/cgroup/cpu,cpuacct` };
  expect(layout.hierarchies.get("cpu")).toEqual(both);
  expect(layout.hierarchies.get("cpuacct")).toEqual(both);
  expect([...layout.hierarchies.keys()].sort()).toEqual([
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "freezer",
    "memory",
    "pids",
  ]);
});

test("systemd's hybrid layout keeps the v2 hierarchy beside v1", () => {
  const tree = machineTree("hybrid");
  const layout = detectCgroups(tree);
  expect(layout).toMatchObject({ kind: "hybrid", unified: { mountPoint: `${tree.sys}/fs/cgroup/unified` } });
  if (layout.kind !== "hybrid") return;
  expect(layout.hierarchies.get("memory")?.ownDirectory).toMatch(
    /memory\/user\.slice\/user-0\.slice\/session-3\.scope$/,
  );
});

test("a machine without control groups says so, and a base is unavailable with a remedy", () => {
  const roots = machineTree("no-cgroup");
  expect(detectCgroups(roots)).toMatchObject({ kind: "none" });
  expect(openCgroupBase({ roots })).toMatchObject({ kind: "unavailable", remedy: expect.stringContaining("cgroup2") });
});

test.runIf(process.platform === "linux")("this machine has some layout", () => {
  expect(["v1", "v2", "hybrid", "none"]).toContain(detectCgroups(systemRoots).kind);
});
