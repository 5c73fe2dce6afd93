import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { killProcess } from "../chaos/processes.ts";
import { freePort } from "../packed/installed.ts";
import { Home } from "./home.ts";
import { underLoad } from "./load.ts";
import { missing, type Program, programs, startedAt } from "./program.ts";

for (const program of programs) {
  const reason = missing(program);
  if (reason !== null) console.log(reason);
  describe.skipIf(reason !== null)(`the life of ${program.name}`, () => lives(program));
}

function lives({ name, app, ask, answer, says }: Program): void {
  let home: Home;
  let port: number;
  const first = `${name}.1`;
  beforeAll(async () => {
    home = new Home();
    port = await freePort();
    home.spec({ ...app(home, port), instances: 2, restart: { backoff: { initial: "10ms" } } });
  });
  afterAll(() => home.close(), 60_000);

  test("goes up, is healthy and serves", async () => {
    expect(await home.ok("up")).toContain(`http://127.0.0.1:${port}`);
    const { apps } = await home.ps();
    expect(apps).toMatchObject([{ name, status: "healthy" }]);
    expect(await ask(port)).toMatch(answer);
  }, 90_000);

  test("one that is killed is started again, and the reason is told", async () => {
    const { [first]: pid } = await home.pids();
    expect(pid).toBeDefined();
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await vi.waitFor(
      async () => {
        const { restarts, state } = await home.instance(first);
        expect([restarts, state.status === "running" && state.ready]).toEqual([1, true]);
      },
      { timeout: 30_000, interval: 100 },
    );
    expect((await home.pids())[first]).not.toBe(pid);
    expect(await home.ok("inspect", first)).toMatch(/SIGKILL/);
    expect(await home.ok("events")).toMatch(new RegExp(`${name}\\.1 .*SIGKILL`));
    expect(await ask(port)).toMatch(answer);
  }, 60_000);

  test("scales up and down", async () => {
    await home.ok("scale", `${name}=3`);
    expect(Object.keys(await home.pids())).toHaveLength(3);
    await home.ok("scale", `${name}=2`);
    await vi.waitFor(async () => expect(Object.keys(await home.pids())).toHaveLength(2), {
      timeout: 30_000,
      interval: 100,
    });
  }, 90_000);

  test("a rolling restart under load fails no request", async () => {
    const before = await home.pids();
    const { answered, failures } = await underLoad(ask, port, async () => {
      await home.ok("restart", name);
      await vi.waitFor(
        async () => {
          const { apps, instances } = await home.ps();
          const now = Object.values(await home.pids());
          expect(now.filter((pid) => Object.values(before).includes(pid))).toEqual([]);
          expect(instances).toHaveLength(2);
          expect(apps).toMatchObject([{ status: "healthy", revision: 2 }]);
        },
        { timeout: 60_000, interval: 200 },
      );
    });
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(20);
  }, 90_000);

  test("logs and exec", async () => {
    expect(await home.ok("logs", name)).toMatch(says);
    expect(await home.constellation("exec", first, "--", "sh", "-c", "cat /proc/1/comm; exit 7")).toMatchObject({
      status: 7,
      out: expect.stringMatching(/\w/) as string,
    });
  }, 60_000);

  test("exec passes on a file, nothing at all, and what never ends", async () => {
    const given = (scene: string, ...program: readonly string[]) =>
      home.staged(scene, "exec", "-i", first, "--", ...program);
    expect(await given('echo given > given; "$@" < given', "cat")).toMatchObject({ status: 0, out: "given\n" });
    expect(await given('"$@" < /dev/null', "cat")).toMatchObject({ status: 0, out: "", err: "" });
    expect(await given('"$@" < /dev/zero', "head", "-c", "3")).toMatchObject({ status: 0, out: "\0\0\0" });
  }, 60_000);

  test("a daemon that is killed is followed by one that adopts the same programs", async () => {
    const before = await home.pids();
    const identities = Object.values(before).map(startedAt);
    expect(killProcess(home.daemon())).toBe(true);
    expect(await ask(port)).toMatch(answer);
    await home.ok("daemon", "start");
    expect(await home.pids()).toEqual(before);
    expect(Object.values(before).map(startedAt)).toEqual(identities);
    expect(await home.ok("events", "--tail", "20")).toMatch(/adopted|2 instances/);
    expect(await ask(port)).toMatch(answer);
    const { status } = await home.constellation("exec", first, "--", "true");
    expect(status).toBe(0);
  }, 60_000);

  test("goes down, and nothing is left", async () => {
    expect(await home.ok("down")).toBe(`Removed ${name}\n`);
    expect((await home.ps()).instances).toEqual([]);
    await expect(ask(port)).rejects.toThrow();
  }, 60_000);
}
