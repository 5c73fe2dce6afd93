import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rouseProgram } from "../../src/launch/records/control.ts";
import { readPidFile } from "../../src/launch/records/pid-file.ts";
import { asRoot } from "../launch/world.ts";
import { end, line } from "../process/runs.ts";
import { BothWays } from "./both-ways.ts";

const { signal } = new AbortController();

/** Real-time priority and policy of a process. */
const turnsOf = (pid: number | undefined): string[] | undefined =>
  readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(37, 39);

describe.skipIf(!asRoot)("a Node that waits is roused", () => {
  let ways: BothWays;
  beforeAll(async () => void (ways = await BothWays.open()));
  afterAll(() => ways.close());

  test.each([1, 1000])("%i times before anybody wants it, and begins as ever", async (times) => {
    const request = ways.request({
      name: "roused",
      // Where it may run, and in which turns (proc(5)): as any other.
      script: `import { readFileSync } from "node:fs";
        const [processors] = /(?<=Cpus_allowed:\\s+)\\S+/.exec(readFileSync("/proc/self/status", "utf8"));
        const [priority, policy] = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ").slice(37, 39);
        console.log(JSON.stringify([process.argv.length, Object.keys(process.env).includes("A"), processors, priority, policy]));
        setInterval(() => {}, 1e6);`,
      spec: { env: { A: "1" } },
      args: ["word"],
    });
    await ways.spareFor(request);
    const folder = join(ways.playground.runtime, "spares");
    for (const spare of readdirSync(folder))
      for (let time = 0; time < times; time += 1) rouseProgram(join(folder, spare));
    const handle = await ways.driver.start(request, { signal });
    const [processors] = /(?<=Cpus_allowed:\s+)\S+/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    expect(JSON.parse(await line(handle, /^\[/))).toEqual([3, true, processors, "0", "0"]);
    expect(handle.facts.start).toBe("warm");
    const pids = readPidFile(join(ways.playground.runtime, "runs", request.runId));
    await expect.poll(() => turnsOf(pids?.supervisor.pid)).toEqual(["0", "0"]);
    await end(ways.driver, handle);
    expect(ways.troubles).toEqual([]);
  });
});
