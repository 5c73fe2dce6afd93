import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Event } from "@constellation/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freePort } from "../packed/installed.ts";
import { Home } from "./home.ts";

const root = process.getuid?.() === 0;
const eventually = { timeout: 40_000, interval: 150 };

describe("how instances behave, and what is told of it", () => {
  let home: Home;
  beforeAll(async () => {
    home = new Home();
    await home.ok("daemon", "start");
  }, 60_000);
  afterAll(() => home.close(), 60_000);

  const events = async (): Promise<Event[]> =>
    (await home.ok("events", "--json")).split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Event]));
  const endOf = async (app: string) =>
    vi.waitFor(async () => {
      const found = (await events()).find((event) => event.type === "instance.ended" && event.app === app);
      if (found?.type !== "instance.ended") throw new Error(`${app} has not ended`);
      return found.exit;
    }, eventually);

  test("dependsOn: started, healthy and completed are waited for", async () => {
    home.spec(
      { name: "last", command: ["sleep", "1000"], dependsOn: { job: "completed", slow: "healthy", plain: "started" } },
      { name: "job", command: ["sh", "-c", "sleep 0.5; echo done"], restart: "never" },
      {
        name: "slow",
        command: ["sh", "-c", "sleep 1; echo i am ready; sleep 1000"],
        health: { logLine: "i am ready" },
      },
      { name: "plain", command: ["sleep", "1000"] },
    );
    await home.ok("up");
    const all = await events();
    const at = (app: string, is: (event: Event) => boolean): number =>
      all.find((event) => "app" in event && event.app === app && is(event))?.seq ?? Infinity;
    const runs = (event: Event): boolean => event.type === "instance.changed" && event.state.status === "running";
    const begun = at("last", (event) => event.type === "instance.changed" && event.state.status === "starting");
    expect(begun).toBeLessThan(Infinity);
    expect(at("job", (event) => event.type === "instance.ended")).toBeLessThan(begun);
    expect(at("slow", (event) => event.type === "probe.changed" && event.ok)).toBeLessThan(begun);
    expect(at("plain", runs)).toBeLessThan(begun);
    await home.ok("rm", "--all");
  }, 90_000);

  test("a program that ignores SIGTERM is killed after its grace", async () => {
    home.spec({
      name: "stubborn",
      command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
      stop: { grace: "1s" },
    });
    await home.ok("up");
    await home.ok("stop", "stubborn");
    expect(await endOf("stubborn")).toMatchObject({ kind: "killed", signal: "SIGKILL" });
    expect(await home.ok("inspect", "stubborn.1")).toMatch(/had not stopped 1s after SIGTERM/);
    await home.ok("rm", "stubborn");
  }, 60_000);

  test.skipIf(!root)(
    "out of memory is the reason, with its peak",
    async () => {
      home.spec({
        name: "glutton",
        command: ["sh", "-c", "sleep 0.3; exec tail /dev/zero"],
        resources: { memory: "32MB" },
        restart: "never",
      });
      await home.constellation("up");
      const exit = await endOf("glutton");
      expect(exit).toMatchObject({ kind: "oom", signal: "SIGKILL" });
      expect(exit.peakMemoryBytes).toBeGreaterThan(20_000_000);
      expect(await home.ok("ps")).toMatch(/memory/);
      expect(await home.ok("inspect", "glutton.1")).toMatch(/memory/);
      expect(await home.ok("events")).toMatch(/glutton\.1 .*memory.*peak 3\d/);
      await home.ok("rm", "glutton");
    },
    60_000,
  );

  test.skipIf(!root)(
    "what the kernel ends at the memory limit beside the program is told while the program runs on",
    async () => {
      const glutton = "let all = []; setInterval(() => all.push(Buffer.alloc(4e6, 1)), 5)";
      home.spec({
        name: "parent",
        command: ["sh", "-c", `"${process.execPath}" -e '${glutton}'; echo "the child ended with $?"; sleep 1000`],
        resources: { memory: "64MB" },
      });
      await home.ok("up");
      await vi.waitFor(async () => expect(await home.ok("logs", "parent")).toContain("ended with 137"), eventually);
      await vi.waitFor(
        async () =>
          expect(await events()).toContainEqual(
            expect.objectContaining({
              type: "instance.oom",
              instance: "parent.1",
              processes: 1,
              memoryLimitBytes: 64e6,
            }),
          ),
        eventually,
      );
      expect(await home.ok("events")).toMatch(
        /parent\.1 +the kernel ended 1 process of it at its memory limit of 64 MB; it runs on/,
      );
      await home.ok("rm", "parent");
    },
    60_000,
  );

  test.skipIf(!root)(
    "the program feels its limits of processes and disk",
    async () => {
      home.spec({
        name: "greedy",
        command: ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done"],
        resources: { pids: 6 },
        restart: "never",
      });
      // A shell that cannot fork gives up.
      expect(await home.constellation("up")).toMatchObject({
        status: 7,
        err: expect.stringMatching(/annot fork/) as string,
      });
      await home.ok("rm", "greedy");
      home.spec({
        name: "filler",
        command: ["sh", "-c", "dd if=/dev/zero of=/data/big bs=1M count=60 2>&1; echo tried; sleep 1000"],
        resources: { disk: "20MB" },
      });
      await home.ok("up");
      await vi.waitFor(
        async () => expect(await home.ok("logs", "filler")).toMatch(/No space left[\s\S]*tried/),
        eventually,
      );
      await home.ok("rm", "filler");
    },
    120_000,
  );

  test.skipIf(!root)(
    "what a limited app serves goes by its own wire, where the limit is",
    async () => {
      const port = await freePort();
      const serve = "require('http').createServer((_, r) => r.end(Buffer.alloc(3e6))).listen(process.env.PORT)";
      home.spec({ name: "limited", command: ["node", "-e", serve], port, resources: { network: "200Mbit" } });
      await home.ok("up");
      const body = await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
      expect(body.byteLength).toBe(3_000_000);
      expect((await home.inspect("limited.1")).ports).toMatchObject([{ mode: "forwarded" }]);
      const sample = JSON.parse(await home.ok("top", "limited", "--once", "--json")) as { networkSentBytes: number };
      expect(sample.networkSentBytes).toBeGreaterThan(3_000_000);
      await home.ok("rm", "limited");
    },
    60_000,
  );

  test("one that logs as fast as it can fills no disk and holds nobody up", async () => {
    home.spec(
      { name: "noisy", command: ["yes", "a line of a very noisy program"], logs: { maxSize: "1MB", maxFiles: 3 } },
      { name: "quiet", command: ["sh", "-c", "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.05; done"] },
    );
    await home.ok("up");
    const tick = async (): Promise<number> =>
      Number(/tick (\d+)\s*$/.exec(await home.ok("logs", "quiet", "--tail", "1"))?.[1] ?? -1);
    const first = await vi.waitFor(async () => {
      const found = await tick();
      expect(found).toBeGreaterThanOrEqual(0);
      return found;
    }, eventually);
    await vi.waitFor(async () => expect(await tick()).toBeGreaterThan(first + 20), eventually);
    const folder = join(home.home, "logs", "noisy.1");
    // A file that was listed may be rotated away before it is looked at.
    const sizeOf = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
    const bytes = await vi.waitFor(() => {
      const sum = readdirSync(folder).reduce((total, name) => total + sizeOf(name), 0);
      expect(sum).toBeGreaterThan(1_000_000);
      return sum;
    }, eventually);
    // The live file, the three kept ones, and what is being rotated at this moment.
    expect(bytes).toBeLessThan(5_500_000);
    // Asked for while its files live for milliseconds, the last lines may be rotated away under the reader; afterwards they are there.
    await home.ok("stop", "noisy");
    expect(await home.ok("logs", "noisy", "--tail", "3")).toMatch(/a line of a very noisy program/);
    await home.ok("rm", "--all");
  }, 120_000);
});
