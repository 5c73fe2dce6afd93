import { afterEach, beforeEach, expect, test } from "vitest";
import { Home } from "./home.ts";

let home: Home;
beforeEach(() => void (home = new Home()));
afterEach(() => home.close(), 60_000);

test("a failure is told with the lines of the run that failed, and with none of those before it", async () => {
  const says = (text: string) => ({
    name: "job",
    command: ["sh", "-c", `echo ${text}; exit 1`],
    restart: "never" as const,
  });
  home.spec(says("first"));
  const first = await home.constellation("up");
  expect(first.err).toContain("job.1 | first");
  expect(first.err).toContain("Look with `constellation logs job`.");
  home.spec(says("second"));
  const second = await home.constellation("up");
  expect(second).toMatchObject({ status: 7 });
  expect(second.err).toContain("job.1 | second");
  expect(second.err).not.toContain("first");
  await home.ok("rm", "job");
  home.spec({ name: "job", command: ["/nowhere/at/all"] });
  const third = await home.constellation("up");
  expect(third).toMatchObject({ status: 7 });
  expect(third.err).toContain("ENOENT");
  // It has written nothing that could be looked at.
  expect(third.err).not.toMatch(/first|second|constellation logs/);
}, 60_000);

test("an uncaught error of a script names its sources, in what `up` shows and in the log", async () => {
  home.write("fail.ts", "export function fail(why: string): never {\n  throw new TypeError(why);\n}\n");
  home.write("job.ts", 'import { fail } from "./fail.ts";\ntype Why = string;\n\nfail("no luck" satisfies Why);\n');
  home.spec({ name: "job", script: "./job.ts", restart: "never" });
  const { status, err } = await home.constellation("up");
  expect(status).toBe(7);
  const place = /^ *job\.1 \| +at fail \(fail\.ts:2:9\)$/m;
  expect(err).toMatch(place);
  const log = await home.ok("logs", "job");
  expect(log).toMatch(place);
  expect(log).toMatch(/job\.1 \| fail\.ts:2\n[\s\S]*\(job\.ts:4:1\)/);
  expect(await home.ok("logs", "job", "--raw")).toMatch(/at fail \(\/.*[0-9a-f]{64}\.[cm]js:\d+:\d+\)/);
  expect(await home.ok("logs", "job", "--json")).toMatch(/at fail \(\/.*[0-9a-f]{64}\.[cm]js:\d+:\d+\)/);
}, 60_000);
