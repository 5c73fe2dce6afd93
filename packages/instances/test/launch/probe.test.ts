import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { fullIsolation, noIsolation, probedParts, probeLauncher } from "../../src/launch/index.ts";
import { asSomeoneElse } from "../someone-else.ts";
import { asRoot, host, eventually } from "./world.ts";

const run = promisify(execFile);
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const env = { PATH: process.env["PATH"] ?? "" };

describe("what launching can do here", () => {
  test("is found out by doing it, and leaves nothing", async () => {
    const links = readFileSync("/proc/net/dev", "utf8").split("\n").length;
    const { abilities, isolation, user } = await probeLauncher(host);
    expect(Object.keys(abilities).sort()).toEqual([...probedParts].sort());
    expect(abilities.launch).toEqual({ works: true });
    for (const ability of Object.values(abilities))
      if (!ability.works) expect(ability.reason).toMatch(/^Cannot start the trial: ./u);
    if (asRoot) {
      expect({ isolation, user }).toEqual({ isolation: fullIsolation, user: "own" });
      expect(abilities.userNamespace).toEqual({ works: true });
    }
    await eventually(() => readFileSync("/proc/net/dev", "utf8").split("\n").length).toBeLessThanOrEqual(links);
  });

  test.skipIf(!asRoot)(
    "without root, a user namespace gives nearly everything",
    async () => {
      const seen = JSON.parse(await asSomeoneElse(12_345, fixture("rootless.mjs"))) as {
        lacking: Record<string, string>;
      };
      expect(seen).toMatchObject({
        uid: 12345,
        ending: { kind: "exited", exitCode: 3 },
        output: ["1000", "rootless-0", "1", "fine", "/home:", "", "/root:", "CapEff:\t0000000000000000", "0", "1"],
        inside: "rootless-0\r\n/dev/pts/0\r\n",
        killed: { kind: "signaled", signal: 9 },
        chosen: "namespace",
        isolation: fullIsolation,
      });
      expect(Object.keys(seen.lacking).sort()).toEqual(["ownUser", "privateNetwork"]);
      expect(seen.lacking["ownUser"]).toMatch(/needs a root daemon/u);
    },
    60_000,
  );

  test.skipIf(!asRoot)(
    "where namespaces are forbidden, it says what failed and chooses less",
    async () => {
      // A namespace limit of 0 in a user namespace of its own: unshare(2) inside then fails with ENOSPC.
      const script = `for each in user pid mnt ipc uts cgroup net; do echo 0 > /proc/sys/user/max_$each\\_namespaces; done; exec "$0" "$@"`;
      const probe = `import { probeLauncher, readHostFacts } from ${JSON.stringify(fixture("../../../dist/launch/index.js"))};
      const { abilities, isolation, user } = await probeLauncher({ ...readHostFacts(), privileged: false, changesUsers: false, uid: 12345, gid: 12345 });
      console.log(JSON.stringify({ abilities, isolation, user }));`;
      const { stdout } = await run(
        "unshare",
        ["-Ur", "sh", "-c", script, process.execPath, "--input-type=module", "-e", probe],
        { env },
      );
      const seen = JSON.parse(stdout) as { abilities: Record<string, { works: boolean; reason?: string }> };
      expect(seen).toMatchObject({
        user: "same",
        isolation: { ...noIsolation, dropCapabilities: true, noNewPrivileges: true, seccomp: "default" },
      });
      expect(seen.abilities["userNamespace"]?.reason).toMatch(
        /clone with namespaces user failed: ENOSPC \(.+\); the limit of namespaces is reached/u,
      );
    },
    60_000,
  );
});
