import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planWire } from "../../src/launch/index.ts";
import { asRoot } from "./world.ts";

const tools = ["ip", "nft", "tc", "unshare", "nsenter", "python3", "awk"].every(
  (tool) =>
    spawnSync("sh", ["-c", `command -v ${tool}`], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } }).status === 0,
);

describe.skipIf(!asRoot || !tools)("private networks, in a network namespace of the test's own", () => {
  test.each(["own", "namespace"])(
    "as user kind %s: out through translation, apart from one another, limited, and gone at the end",
    async (user) => {
      const fixture = fileURLToPath(new URL("fixtures/network-world.mjs", import.meta.url));
      const { stdout } = await promisify(execFile)("unshare", ["-n", process.execPath, fixture, user], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      const seen = JSON.parse(stdout) as Record<string, string>;
      expect(seen).toMatchObject({
        forwarding: "1",
        reachesWorldAs: "198.51.100.1",
        addresses:
          "lo 127.0.0.1/8\neth0 10.203.0.6/30\ndefault via 10.203.0.5 dev eth0 \n10.203.0.4/30 dev eth0 proto kernel scope link src 10.203.0.6 ",
        fromMachine: "hello",
        fromNeighbour: "TimeoutError",
        linksLeft: [],
        tablesLeft: "",
      });
      expect(seen["outerLimit"]).toMatch(/tbf .*rate 80Mbit/u);
      expect(seen["innerLimit"]).toMatch(/tbf .*rate 20Mbit/u);
      expect(seen["taken"]).toMatch(
        /^Cannot start net\.0: wire cn4 to eth0 failed: EEXIST \(.+\); an interface with this name/u,
      );
    },
    60_000,
  );
});

describe("wires", () => {
  const limits = { sendBitsPerSecond: null, receiveBitsPerSecond: null };

  test("no two slots share a name, number or address", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 16_383 }), { minLength: 2, maxLength: 50 }), (slots) => {
        const wires = slots.map((slot) => planWire(slot, limits));
        for (const key of ["hostName", "hostIndex", "hostAddress", "instanceAddress"] as const)
          expect(new Set(wires.map((wire) => wire[key])).size).toBe(slots.length);
        for (const wire of wires) expect(wire.hostName.length).toBeLessThan(16);
      }),
    );
  });

  test("ranges are checked", () => {
    expect(planWire(3, limits, { range: "192.168.7.99/24" })).toMatchObject({
      hostAddress: "192.168.7.13",
      instanceAddress: "192.168.7.14",
    });
    for (const range of ["10.0.0.0", "10.0.0.0/31", "10.0.0.256/24", "x"])
      expect(() => planWire(0, limits, { range })).toThrow(RangeError);
    for (const slot of [-1, 0.5, 64])
      expect(() => planWire(slot, limits, { range: "10.0.0.0/24" })).toThrow(/wanted 0 to 63/u);
  });
});
