import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { commandLine } from "./command-line.ts";

/** A machine without settings of its own. */
async function project() {
  const line = await commandLine();
  vi.stubEnv("CONSTELLATION_CONFIG", line.folder);
  vi.stubEnv("CONSTELLATION_HOME", join(line.folder, "no-daemon"));
  onTestFinished(() => void vi.unstubAllEnvs());
  return line;
}

test("test takes its settings from TypeScript, and writes reports and history", async () => {
  const { folder, run, write } = await project();
  write(
    "constellation.test.ts",
    `interface Settings { readonly command: string; readonly timeout: string }
const settings = { command: "test -f ok", timeout: "1m" } satisfies Settings;
export default { ...settings, checkpoint: { path: "kept", interval: "50ms" }, checkInterval: "500ms", cleanup: { ports: false } };`,
  );
  const failed = await run("test", "--junit", "junit.xml", "--reporter", "json");
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.out)).toMatchObject({ kind: "failed" });
  expect(readFileSync(join(folder, "junit.xml"), "utf8")).toContain("<failure");
  write("ok", "");
  expect((await run("test", "--reporter", "json")).code).toBe(0);
  expect(existsSync(join(folder, "kept/journal.jsonl"))).toBe(true);
  const history = (await run("test", "history")).out.trim().split("\n");
  expect(history).toHaveLength(3);
  expect(history[1]).toMatch(/command\s+failed\s+0\s+1/);
  expect(history[2]).toMatch(/command\s+passed\s+1\s+0/);
  expect((await run("test", "status")).out).toContain("1 passed, 0 failed");
});

test("a report that cannot be written is refused before anything runs", async () => {
  const { folder, run, write } = await project();
  write("reports/here", "");
  for (const [option, path] of [
    ["--junit", "reports/here/junit.xml"],
    ["--output", "reports"],
  ] as const) {
    const { code, err } = await run("test", "--command", "touch ran", option, path);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(`Cannot write ${option} ${path}`) });
  }
  expect(existsSync(join(folder, "ran"))).toBe(false);
});

test("test says what is wrong in the settings, of the project and of the machine", async () => {
  const { run, write } = await project();
  write("constellation.test.json", '{"thresholds": {"memory": "120%"}}');
  expect(await run("test")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/thresholds.memory: .*120%/) as string,
  });
  write("daemon.json", '{"test": {"jobs": 0}}');
  expect(await run("test")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/daemon.json is not valid: test.jobs/) as string,
  });
});

test("test --resume passes over items that are finished, and runs failed ones again when asked", async () => {
  const { folder, run, write } = await project();
  write("items.txt", "one\ntwo\nthree\n");
  const words = [
    "test",
    "--items",
    "items.txt",
    "--reporter",
    "json",
    "--command",
    "echo {} >> ran; test {} != two -o -f ok",
  ];
  const ran = () => readFileSync(join(folder, "ran"), "utf8").trim().split("\n").toSorted();
  expect((await run(...words)).code).toBe(1);
  expect(ran()).toEqual(["one", "three", "two"]);
  expect((await run(...words, "--resume")).code).toBe(1);
  expect(ran()).toHaveLength(3);
  write("ok", "");
  expect((await run(...words, "--rerun-failed")).code).toBe(0);
  expect(ran()).toEqual(["one", "three", "two", "two"]);
});

test("test --items takes lines of any system, and refuses two that are the same", async () => {
  const { folder, run, write } = await project();
  const words = ["test", "--items", "items.txt", "--reporter", "json", "--command", "echo {} >> ran"];
  write("items.txt", "one\r\n\r\ntwo\r\n");
  expect((await run(...words)).code).toBe(0);
  expect(readFileSync(join(folder, "ran"), "utf8").split("\n").toSorted()).toEqual(["", "one", "two"]);
  write("items.txt", "one\ntwo\none\n");
  expect(await run(...words)).toMatchObject({
    code: 2,
    err: expect.stringContaining('the line "one" twice') as string,
  });
});

test("test status tells a run that goes on from one that was killed", async () => {
  const { folder, run, write } = await project();
  write("constellation.test.json", "{}");
  expect((await run("test", "status")).out).toContain("No guarded run has been here");
  await run("test", "--command", "true", "--reporter", "json");
  const journal = join(folder, ".constellation/test/journal.jsonl");
  const lines = readFileSync(journal, "utf8").split("\n");
  write(".constellation/test/journal.jsonl", lines.filter((line) => !line.includes('"kind":"stop"')).join("\n"));
  expect((await run("test", "status")).out).toContain("killed; go on with");
  const ticks = Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]);
  write(
    ".constellation/test/holder.json",
    JSON.stringify({ guard: { pid: process.pid, startTicks: ticks }, run: "r" }),
  );
  expect((await run("test", "status")).out).toContain(`running, guarded by pid ${process.pid}`);
});

test("test --self-protect without a daemon says so, and protects the run by itself", async () => {
  const { run } = await project();
  const { code, err } = await run("test", "--self-protect", "--command", "true", "--reporter", "json");
  expect(code).toBe(0);
  expect(err).toContain("no daemon: this run protects itself");
});
