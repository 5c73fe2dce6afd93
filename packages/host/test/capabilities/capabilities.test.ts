import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { capabilityNames, detectCgroups, probeHost } from "../../src/index.ts";
import { cgroupFeatures } from "../../src/capabilities/cgroup-features.ts";
import { featureNames } from "../../src/capabilities/feature.ts";
import { kernelVersion } from "../../src/capabilities/kernel-features.ts";
import { machineTree } from "../machine-trees.ts";

describe("the probe of this machine", () => {
  test("answers every feature once, in order, with a remedy for each that is not there", async () => {
    const features = await probeHost();
    expect(features.map((each) => each.name)).toEqual(featureNames);
    for (const each of features) {
      expect(each.detail).not.toBe("");
      if (each.state !== "available") expect(each.remedy).toMatch(/\S/);
    }
  });

  test.runIf(process.platform === "linux")("leaves no mount, process, device or descriptor", async () => {
    const look = () => ({
      mounts: readFileSync("/proc/self/mountinfo", "latin1"),
      links: readdirSync("/sys/class/net"),
      children: readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "latin1"),
      descriptors: readdirSync("/proc/self/fd").length,
    });
    await probeHost();
    const before = look();
    await probeHost();
    expect(look()).toEqual(before);
  });

  test("ends when it is aborted, and within its time", async () => {
    const reason = new Error("no longer wanted");
    await expect(probeHost({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await probeHost({ timeoutMs: 1 })).toHaveLength(featureNames.length);
  });
});

test("capability sets by name", () => {
  expect(capabilityNames("0000000000000000")).toEqual([]);
  expect(capabilityNames("0000000000200021")).toEqual(["chown", "kill", "sys_admin"]);
  expect(capabilityNames("000001ffffffffff")).toHaveLength(41);
  expect(capabilityNames("8000000000000000")).toEqual(["cap_63"]);
  expect(capabilityNames("no number")).toEqual([]);
});

test("kernel versions compare as numbers", () => {
  expect(["6.18.44-fc", "5.4.0-generic", "4.19", "odd"].map(kernelVersion)).toEqual([6018, 5004, 4019, 0]);
});

test("control groups of other machines: what is missing and what to do", () => {
  const states = (name: Parameters<typeof machineTree>[0]) =>
    Object.fromEntries(cgroupFeatures(detectCgroups(machineTree(name))).map((each) => [each.name, each.state]));
  expect(states("no-cgroup")["cgroup-memory"]).toBe("missing");
  expect(states("v2-rootless")["cgroup-memory"]).not.toBe("missing");
  expect(cgroupFeatures(detectCgroups(machineTree("v1-docker"))).map((each) => each.name)).toContain("cgroup-io");
});
