import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Daemon } from "../../src/daemon.ts";
import { eventually } from "../daemon/harness.ts";
import { freePort, server, Site } from "./site.ts";

// Two homes on one machine, as of two users, or of a person and a test suite: same app names, at the same time.
const sites: { site: Site; daemon: Daemon; port: number }[] = [];
beforeEach(async () => {
  for (let count = 0; count < 2; count += 1) {
    const site = new Site();
    sites.push({ site, daemon: await site.start(), port: await freePort() });
  }
});
afterEach(async () => {
  for (const { site, daemon } of sites.splice(0)) await site.close(daemon);
});

const answer = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const call = get({ port, host: "127.0.0.1", agent: false, timeout: 5000 }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
    });
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });

async function pids(daemon: Daemon): Promise<number[]> {
  const instances = await daemon.platform.instances("web");
  return instances.flatMap(({ state }) => (state.status === "running" ? [state.pid] : []));
}

/** Where the kernel counts a process, and as whom it runs. */
function identity(pid: number): { readonly groups: string; readonly user: string } {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .filter((line) => line.includes("constellation"))
    .map((line) => line.split(":").slice(2).join(":"));
  const user = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  return { groups: [...new Set(groups)].join(), user };
}

test.runIf(process.platform === "linux")(
  "two daemons run apps of the same name side by side and end without touching the other's",
  { timeout: 60_000 },
  async () => {
    await Promise.all(
      sites.map(({ daemon, port }) => daemon.platform.apply({ apps: [server("web", port, "forward")] })),
    );
    for (const { daemon } of sites)
      await eventually(
        () => daemon.platform.app("web"),
        ({ status }) => status === "healthy",
        20_000,
      );
    const [first, second] = sites;
    if (first === undefined || second === undefined) throw new Error("there are two");
    const running = { first: await pids(first.daemon), second: await pids(second.daemon) };
    expect(running.first).toHaveLength(2);
    const all = [...running.first, ...running.second].map(identity);
    for (const part of ["groups", "user"] as const) {
      const named = all.map((each) => each[part]).filter((text) => text !== "" && text !== "0");
      // Where this machine allows control groups and users at all, no two instances share one.
      if (process.getuid?.() === 0 && named.length === all.length) expect(new Set(named).size).toBe(4);
    }
    // One goes with everything it has; the other must not notice.
    await first.daemon.platform.stopDaemon({ instances: true });
    await first.site.stop();
    expect(running.first.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(await answer(first.port)).toBe("ECONNREFUSED");
    expect(await pids(second.daemon)).toEqual(running.second);
    expect(await answer(second.port)).toMatch(/^web\.[12]$/);
    first.daemon = await first.site.start();
    await eventually(
      () => answer(first.port),
      (text) => /^web\.[12]$/.test(text),
      20_000,
    );
    expect(await pids(second.daemon)).toEqual(running.second);
    await second.daemon.platform.removeApp("web", { erase: true });
    expect(await pids(first.daemon)).toHaveLength(2);
    // Its port is closed when whoever served it has gone.
    await eventually(
      () => second.site.leftovers(),
      (left) => left.length === 0,
      20_000,
    );
  },
);
