import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../packed/installed.ts";
import { Home } from "./home.ts";

describe("what a user gets wrong", () => {
  let home: Home;
  beforeAll(async () => {
    home = new Home();
    await home.ok("daemon", "start");
    home.spec({ name: "base", command: ["sleep", "1000"] });
    await home.ok("up");
  }, 60_000);
  afterAll(() => home.close(), 60_000);

  /** Brings up a spec that must be refused, and makes sure that nothing was changed by it. */
  async function refused(text: string, file = "wrong.ts"): Promise<{ status: number; err: string }> {
    home.write(file, text);
    const before = await home.pids();
    const { status, err } = await home.constellation("up", file);
    expect(await home.pids()).toEqual(before);
    expect((await home.ps()).apps.map(({ name }) => name)).toEqual(["base"]);
    expect(err).not.toMatch(/\n\s+at /);
    return { status, err };
  }
  const spec = (...apps: readonly object[]): string => `export default ${JSON.stringify(apps)};`;
  const sleeper = { name: "other", command: ["sleep", "1000"] };

  test.each<[string, string, number, RegExp]>([
    ["a key that there is not", spec({ ...sleeper, memroy: "1MB" }), 2, /no setting "memroy"/],
    ["a unit that there is not", spec({ ...sleeper, resources: { memory: "256 parsecs" } }), 2, /memory.*256 parsecs/],
    ["a rate without a unit", spec({ ...sleeper, resources: { network: "50" } }), 2, /network/],
    ["a script that is not there", spec({ name: "other", script: "./nowhere.ts" }), 2, /nowhere\.ts/],
    ["a script that cannot be built", spec({ name: "other", script: "./wrong.json" }), 2, /wrong\.json/],
    ["a name that is no name", spec({ ...sleeper, name: "Other App" }), 2, /Other App/],
    ["two apps of one name", spec(sleeper, sleeper), 2, /other/],
    [
      "apps that wait for each other",
      spec({ ...sleeper, dependsOn: ["second"] }, { ...sleeper, name: "second", dependsOn: ["other"] }),
      2,
      /other.*second|second.*other/,
    ],
    ["an app that waits for nobody", spec({ ...sleeper, dependsOn: ["ghost"] }), 2, /ghost/],
    ["both script and command", spec({ ...sleeper, script: "./wrong.ts" }), 2, /exactly one of script and command/],
    [
      "both, and the script is not there",
      spec({ ...sleeper, script: "./nowhere.ts" }),
      2,
      /exactly one of script and command/,
    ],
    [
      "a variable that no program can be given",
      spec({ ...sleeper, env: { A: "x".repeat(200_000) } }),
      2,
      /env\.A.*131071 bytes/,
    ],
    [
      "a disk that is none",
      spec({ ...sleeper, resources: { disk: "1MB" } }),
      5,
      /disk limit of 1 MB cannot be enforced/,
    ],
    ["more memory than there is", spec({ ...sleeper, resources: { memory: "900TB" } }), 5, /900/],
    ["text that is no TypeScript", "export default {{{", 2, /wrong\.ts/],
    ["a file that throws", 'throw new Error("from the spec");', 2, /from the spec/],
    ["a file without a spec", "export const nothing = 1;", 2, /wrong\.ts|default/],
  ])(
    "%s",
    async (_, text, status, message) => {
      expect(await refused(text)).toEqual({ status, err: expect.stringMatching(message) as string });
    },
    30_000,
  );

  test.skipIf(process.getuid?.() !== 0)(
    "a folder that instances may not read",
    async () => {
      const folder = join(home.folder, "closed");
      mkdirSync(folder, { mode: 0o700 });
      chmodSync(folder, 0o700);
      const { status, err } = await refused(spec({ ...sleeper, folder }));
      expect(err).toMatch(/mode 0700 and belongs to uid 0.*\n.*chmod o\+rx/);
      expect(status).toBe(2);
    },
    30_000,
  );

  test("a program that is not there is given up at once", async () => {
    home.write("wrong.ts", spec({ name: "gone", command: ["no-such-program"] }));
    const { status, err } = await home.constellation("up", "wrong.ts", "--timeout", "5m");
    expect(err).toMatch(/no-such-program.*ENOENT/);
    expect(status).toBe(7);
    expect(await home.instance("gone.1")).toMatchObject({ state: { status: "failed" }, restarts: 0 });
    await home.ok("rm", "gone");
  }, 30_000);

  test("a program that ends at once was never up", async () => {
    home.write("wrong.ts", spec({ name: "brief", command: ["sh", "-c", "sleep 0.1; exit 3"] }));
    const { status, err } = await home.constellation("up", "wrong.ts", "--timeout", "5s");
    expect(err).toMatch(/brief.*exited with code 3/);
    expect(status).not.toBe(0);
    await home.ok("rm", "brief");
  }, 30_000);

  test("a file that is not there", async () => {
    const { status, err } = await home.constellation("up", "nowhere.ts");
    expect(err).toContain("nowhere.ts");
    expect([2, 3]).toContain(status);
  }, 30_000);

  test.skipIf(process.getuid?.() === 0)(
    "a script that may not be read",
    async () => {
      chmodSync(home.write("secret.ts", "1;"), 0);
      expect(await refused(spec({ name: "other", script: "./secret.ts" }))).toMatchObject({ status: 2 });
    },
    30_000,
  );

  test("a spec of more than 10 MB", async () => {
    const { status, err } = await refused(spec({ ...sleeper, env: { A: "x".repeat(10_500_000) } }));
    expect(err).toMatch(/more than 10 MB/);
    expect(status).toBe(2);
  }, 60_000);

  test("a port that somebody else has, with the owner named", async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
    try {
      const { status, err } = await refused(spec({ ...sleeper, port }));
      expect(err).toMatch(new RegExp(`${port}.*process ${process.pid}`));
      expect(status).toBe(4);
    } finally {
      await new Promise((done) => server.close(done));
    }
  }, 30_000);

  test("create refuses a name that is taken", async () => {
    const { status, err } = await home.constellation("create", "--name=base", "--", "sleep", "1");
    expect(err).toMatch(/base/);
    expect(status).toBe(4);
  }, 30_000);

  test.each([
    [["pss"], 2],
    [["ps", "--nonsense"], 2],
    [["scale", "base=lots"], 2],
    [["scale", "ghost=2"], 3],
    [["rm"], 2],
    [["rm", "ghost"], 3],
    [["inspect", "base.77"], 3],
    [["exec", "base.1", "--", "no-such-program"], 1],
  ])(
    "constellation %j",
    async (argv, status) => {
      const ended = await home.constellation(...argv);
      expect(ended.err).not.toBe("");
      expect(ended).toMatchObject({ status, out: "" });
      expect((await home.ps()).apps).toMatchObject([{ name: "base", status: "healthy" }]);
    },
    30_000,
  );

  test("garbage on the socket harms nobody", async () => {
    const before = await home.pids();
    const socketPath = join(home.home, "run", "daemon.sock");
    const { pid } = home.daemon();
    for (const bytes of [
      randomBytes(65_536),
      Buffer.from("POST /v1/apply HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n{"),
      Buffer.from(
        "POST /v1/apply HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n\xff\xfe\x00{",
        "latin1",
      ),
      Buffer.from(`GET /${"a".repeat(100_000)} HTTP/1.1\r\n\r\n`),
      Buffer.alloc(0),
    ])
      await say(socketPath, bytes);
    expect(home.daemon().pid).toBe(pid);
    expect(await home.pids()).toEqual(before);
  }, 60_000);

  test("two ups at once end as one after the other would", async () => {
    home.write("a.ts", spec({ ...sleeper, name: "twin", instances: 2 }));
    home.write("b.ts", spec({ ...sleeper, name: "twin", instances: 3 }));
    const both = await Promise.all([home.constellation("up", "a.ts"), home.constellation("up", "b.ts")]);
    expect(both.map(({ status, err }) => [status, err])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    const { apps, instances } = await home.ps();
    const wanted = apps.find(({ name }) => name === "twin")?.wanted ?? 0;
    expect([2, 3]).toContain(wanted);
    expect(instances.filter(({ app }) => app === "twin")).toHaveLength(wanted);
    await home.ok("rm", "twin");
  }, 90_000);
});

/** Sends bytes and waits until the other side has had enough, at most a second. */
function say(socketPath: string, bytes: Buffer): Promise<void> {
  return new Promise((done) => {
    const socket = connect(socketPath, () => socket.end(bytes));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.resume();
    socket.once("close", () => done());
  });
}
