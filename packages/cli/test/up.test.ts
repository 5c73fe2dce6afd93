import { expect, onTestFinished, test, vi } from "vitest";
import { commandLine, webSpec, withWeb } from "./command-line.ts";

test("up finds the file, starts what it says, shows how it comes up and its URL", async () => {
  const { run, write } = await commandLine();
  write("deploy.ts", webSpec);
  write("server.ts", "console.log(1);");
  const first = await run("up");
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out.split("\n")[0]).toBe("+ web  created, revision 1");
  expect(first.out).toContain("web.2  running");
  expect(first.out).toContain("web  http://127.0.0.1:8080");
  expect((await run("up", "deploy.ts")).out).toContain("= web  unchanged, revision 1");
  write("server.ts", "console.log(2);");
  expect((await run("up")).out).toContain("~ web  updated, revision 2");
});

test("up says what a setting took away besides itself", async () => {
  const { run, write } = await commandLine();
  write("open.json", `{ "name": "open", "command": ["x"], "isolation": { "readOnlyRoot": false } }`);
  expect((await run("up", "open.json")).out).toContain("! open  namespace.mount: isolation.readOnlyRoot is off, and");
});

test("up says where packages that change others find nothing to do", async () => {
  const { run, write } = await commandLine();
  for (const name of ["require", "import"])
    write(`node_modules/${name}-in-the-middle/index.js`, "module.exports = () => {};");
  write("traced.js", `require("require-in-the-middle")(); require("import-in-the-middle")();`);
  const hint = `! bundled with import-in-the-middle and require-in-the-middle, which see Node's own modules alone there`;
  expect((await run("create", "--name=traced", "--script=traced.js")).out).toContain(hint);
  write("constellation.json", `{ "name": "traced", "script": "traced.js", "external": ["*"] }`);
  write("node_modules/require-in-the-middle/package.json", `{ "name": "require-in-the-middle" }`);
  write("node_modules/import-in-the-middle/package.json", `{ "name": "import-in-the-middle" }`);
  const { code, out } = await run("up");
  expect({ code, out }).toMatchObject({ code: 0, out: expect.not.stringContaining("bundled with") });
});

test("up --json prints changes and apps", async () => {
  const { run } = await withWeb();
  const { out } = await run("up", "--json");
  expect(JSON.parse(out)).toMatchObject({ changes: [{ change: "unchanged" }], apps: [{ status: "healthy" }] });
});

test("up of what cannot start shows the reason and the last lines, and ends with its exit code", async () => {
  const { run, write } = await commandLine();
  write("constellation.json", `{ "name": "bad", "command": ["x"], "env": { "FAIL": "exec: x: not found" } }`);
  const { code, err } = await run("up");
  expect(code).toBe(7);
  expect(err).toContain("bad.1 | bad.1 listens");
  expect(err).toContain("exec: x: not found");
});

test("a duration that is none is refused before anything is changed", async () => {
  const { run, write } = await commandLine();
  write("constellation.json", `{ "name": "web", "command": ["x"] }`);
  for (const argv of [
    ["up", "--timeout", "soon"],
    ["create", "--name", "x", "--timeout", "5", "--", "x"],
  ]) {
    const { code, err } = await run(...argv);
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--timeout is "\w+", it must be a duration/),
    });
  }
  // Not even a daemon was started.
  expect((await run("ps")).code).toBe(6);
});

test("script and command together are refused before the script is looked for", async () => {
  const { run, write } = await commandLine();
  write("constellation.json", `{ "name": "web", "command": ["x"], "script": "./nowhere.ts" }`);
  expect((await run("up")).err).toContain("exactly one of script and command");
});

test("up that is interrupted says that the work goes on", async () => {
  const { interruptible, write, run } = await commandLine();
  vi.stubEnv("MEMORY_START_MS", "60000");
  write("constellation.json", `{ "name": "slow", "command": ["x"] }`);
  const { done, stop } = interruptible("up");
  await vi.waitFor(async () => expect((await run("ps")).out).toContain("starting"), { timeout: 10_000 });
  stop();
  const { code, err } = await done;
  vi.unstubAllEnvs();
  expect({ code, err }).toMatchObject({ code: 130, err: expect.stringContaining("the work goes on") });
  expect((await run("ps")).out).toContain("slow");
});

test("up --watch brings up again what changes, and waits over mistakes", async () => {
  const { interruptible, write, run } = await commandLine();
  write("deploy.ts", webSpec);
  write("server.ts", 'import "./part.ts";');
  write("part.ts", "console.log(1);");
  const { done, stop, soFar } = interruptible("up", "--watch");
  const options = { timeout: 10_000, interval: 20 };
  const watching = (times: number) =>
    vi.waitFor(() => expect(soFar().out.split("Watching for changes")).toHaveLength(times + 1), options);
  await watching(1);
  write("part.ts", "console.log(");
  await watching(2);
  expect(soFar().err).toContain("Cannot build server.ts: part.ts:1:13");
  write("part.ts", "console.log(2);");
  await vi.waitFor(() => expect(soFar().out).toContain("~ web  updated, revision 2"), options);
  stop();
  expect(await done).toMatchObject({ code: 130, out: expect.stringContaining("part.ts changed") });
  expect((await run("ps")).out).toContain("web");
});

test("up --watch --json says nothing but JSON, also of a mistake", async () => {
  const { interruptible, write } = await commandLine();
  write("deploy.ts", webSpec);
  write("server.ts", "console.log(");
  const { done, stop, soFar } = interruptible("up", "--watch", "--json");
  const options = { timeout: 10_000, interval: 20 };
  await vi.waitFor(() => expect(soFar().err).toContain("script.build-failed"), options);
  write("server.ts", "console.log(1);");
  await vi.waitFor(() => expect(soFar().out).toContain('"healthy"'), options);
  stop();
  const { out, err } = await done;
  expect(JSON.parse(out)).toMatchObject({ changes: [{ change: "created" }] });
  expect(JSON.parse(err)).toMatchObject({ error: { code: "script.build-failed" } });
});

test("what is no app, and a folder that cannot be watched, are told in words", async () => {
  const { run, write } = await commandLine();
  write("deploy.mjs", "export default [null];");
  expect(await run("daemon", "start")).toMatchObject({ code: 0 });
  for (const name of ["up", "down", "plan"])
    expect(await run(name)).toMatchObject({
      code: 2,
      err: expect.stringContaining("exports null where an app is wanted"),
    });
  expect(await run("up", "--watch", "nowhere/at/all.ts")).toMatchObject({
    code: 2,
    err: expect.stringContaining("Cannot watch the folder nowhere/at"),
  });
});

test("an app that left the file is named, goes on, and goes with --prune", async () => {
  const { run, write } = await withWeb();
  const apps = (...names: string[]): string =>
    `export default ${JSON.stringify(names.map((name) => ({ name, command: ["x"] })))};`;
  write("deploy.ts", apps("web", "old", "older"));
  expect(await run("up")).toMatchObject({ code: 0 });
  write("deploy.ts", apps("web"));
  const notice =
    /! old {2}is not in the file any more and goes on; remove it with --prune, or with `constellation rm old`/;
  for (const command of ["plan", "up"]) expect((await run(command)).out).toMatch(notice);
  expect((await run("plan", "--prune")).out).toContain("- old  removed");
  expect(JSON.parse((await run("up", "--json")).out)).toMatchObject({
    changes: [{ app: "web" }, { app: "old", change: "orphaned" }, { app: "older", change: "orphaned" }],
  });
  expect((await run("ps")).out).toContain("older");
  expect((await run("up", "--prune")).out).toContain("- older  removed");
  expect((await run("ps")).out).not.toContain("old");
  write("deploy.ts", apps("other"));
  expect((await run("up")).out).toContain("! web");
  expect((await run("down")).out).toMatch(/Removed other\n! web {2}came from this file/);
  expect((await run("down", "--prune")).out).toBe("Removed web\n");
});

test("what a spec says is not in the way of the JSON of a plan, and the next words are a command's own again", async () => {
  const { run, write } = await commandLine();
  const spec = `export default [{ name: "web", command: ["x"] }];`;
  const writes = {
    out: vi.spyOn(process.stdout, "write").mockReturnValue(true),
    err: vi.spyOn(process.stderr, "write").mockReturnValue(true),
  };
  onTestFinished(() => {
    writes.out.mockRestore();
    writes.err.mockRestore();
  });
  write("noise.mjs", `process.stdout.write("noise"); ${spec}`);
  const { out } = await run("plan", "noise.mjs", "--json");
  expect(JSON.parse(out)).toMatchObject({ changes: [{ change: "created" }] });
  write("bad.mjs", `process.stdout.write("noise"); throw new Error("no");`);
  expect(await run("plan", "bad.mjs")).toMatchObject({ code: 2 });
  expect(writes.out).not.toHaveBeenCalled();
  expect(writes.err.mock.calls).toEqual([["noise"], ["noise"]]);
  process.stdout.write("mine");
  expect(writes.out).toHaveBeenCalledWith("mine");
});

test("plan says what would change and changes nothing", async () => {
  const { run, write } = await commandLine();
  write("deploy.ts", webSpec);
  write("server.ts", "");
  expect((await run("plan")).out).toBe("+ web  created, revision 1\n");
  expect(JSON.parse((await run("ps", "--json")).out)).toEqual({ apps: [], instances: [] });
});
