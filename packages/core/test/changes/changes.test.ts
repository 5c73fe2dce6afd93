import { type AppInput, parseApp } from "@constellation/contract";
import { changeOf, describeDifference, differences, fitOf } from "@constellation/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const web: AppInput = { name: "web", command: ["server"], resources: { memory: "256MB" }, port: 8080, env: { A: "1" } };
const spec = (changes: Partial<AppInput> = {}) => parseApp({ ...web, ...changes });
const known = (running = true, failed: string[] = []) => ({ spec: spec(), revision: 7, running, failed });

describe("differences", () => {
  test("read as path: before -> after", () => {
    const found = differences(spec(), spec({ resources: { memory: "512MB" }, port: 8081, env: { A: "1", B: "2" } }));
    expect(found.map(describeDifference)).toEqual([
      "resources.memoryBytes: 256 MB -> 512 MB",
      'env.B: none -> "2"',
      "ports[0].publicPort: 8080 -> 8081",
    ]);
    expect(found.map(({ effect }) => effect)).toEqual(["live", "restart", "restart"]);
  });

  test("show units, and the numbers where those would look the same", () => {
    const found = (before: AppInput["resources"], after: AppInput["resources"]) =>
      differences(spec({ resources: before }), spec({ resources: after })).map(describeDifference);
    expect(found({ network: "50Mbit" }, { network: { in: "1Gbit", out: "50Mbit" } })).toEqual([
      "resources.networkInBitsPerSecond: 50 Mbit/s -> 1 Gbit/s",
    ]);
    expect(found({ memory: 256_000_000 }, { memory: 256_000_001 })).toEqual([
      "resources.memoryBytes: 256000000 -> 256000001",
    ]);
    expect(found({}, { io: { read: "1MB/s" } })).toEqual(["resources.ioReadBytesPerSecond: none -> 1 MB/s"]);
  });

  test("hide what looks secret", () => {
    const [found] = differences(spec({ env: { DB_PASSWORD: "old" } }), spec({ env: { DB_PASSWORD: "new" } }));
    expect(found && describeDifference(found)).toBe("env.DB_PASSWORD: *** -> *** (changed)");
  });

  test("hide what looks secret in addresses and headers, too, also of a probe that is new", () => {
    const withSecret = (secret: string): AppInput => ({
      ...web,
      env: { A: "1", DATABASE_URL: `postgres://web:${secret}@db:5432/shop?sslmode=on`, PGPASS: secret },
      health: { readiness: { http: { path: "/", headers: { Authorization: `Bearer ${secret}` } } } },
    });
    const [none, one, two] = [spec(), parseApp(withSecret("hunter2")), parseApp(withSecret("p@ss"))];
    const lines = [...differences(none, one), ...differences(one, two)].map(describeDifference);
    expect(lines.join("\n")).not.toMatch(/hunter|ss@/);
    const address = '"postgres://web:***@db:5432/shop?sslmode=on"';
    expect(lines).toContain(`env.DATABASE_URL: none -> ${address}`);
    expect(lines).toContain(`env.DATABASE_URL: ${address} -> ${address} (changed)`);
    expect(lines).toContain("health.readiness.check.headers.Authorization: *** -> *** (changed)");
  });

  test("a variable named like a member of every object is compared too", () => {
    expect(differences(spec(), spec({ env: { A: "1", constructor: "x" } })).map(({ path }) => path)).toEqual([
      "env.constructor",
    ]);
  });

  test("are none between equal specs, and complete: equal sets of differences both ways", () => {
    const input = fc.record({
      instances: fc.integer({ min: 0, max: 5 }),
      env: fc.dictionary(
        fc.constantFrom("A", "B", "C"),
        fc.string({ maxLength: 3 }).filter((text) => !text.includes("\0")),
      ),
      port: fc.oneof(
        fc.integer({ min: 1, max: 9 }),
        fc.constant([
          { public: 1, name: "a" },
          { public: 2, name: "b" },
        ]),
      ),
      command: fc.array(fc.constantFrom("x", "y"), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(input, input, (a, b) => {
        const [before, after] = [parseApp({ name: "web", ...a }), parseApp({ name: "web", ...b })];
        expect(differences(before, before)).toEqual([]);
        const found = differences(before, after);
        expect(found.length === 0).toBe(JSON.stringify(before) === JSON.stringify(after) || sameEnv(before, after));
        expect(
          differences(after, before)
            .map(({ path }) => path)
            .sort(),
        ).toEqual(found.map(({ path }) => path).sort());
      }),
    );
  });
});

const sorted = (value: object) => JSON.stringify(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)));
const sameEnv = (a: ReturnType<typeof spec>, b: ReturnType<typeof spec>) =>
  sorted(a.env) === sorted(b.env) && JSON.stringify({ ...a, env: {} }) === JSON.stringify({ ...b, env: {} });

describe("a change", () => {
  test("of nothing is none", () => {
    expect(changeOf(known(), spec())).toEqual({ app: "web", change: "unchanged", revision: 7, differences: [] });
  });
  test("of the number of instances keeps the revision", () => {
    expect(changeOf(known(), spec({ instances: 3 }))).toEqual({
      app: "web",
      change: "scaled",
      revision: 7,
      differences: ["instances: 1 -> 3"],
    });
  });
  test("of the program makes a revision", () => {
    expect(changeOf(known(), spec({ command: ["other"], instances: 2 }))).toMatchObject({
      change: "updated",
      revision: 8,
    });
  });
  test("of a stopped app says that it starts", () => {
    expect(changeOf(known(false), spec())).toMatchObject({ revision: 7, differences: ["state: stopped -> running"] });
  });
  test("of an app with failed instances tries them anew, and says so", () => {
    const differences = ["web.1: failed -> tried again"];
    const failed = known(true, ["web.1"]);
    expect(changeOf(failed, spec())).toEqual({ app: "web", change: "retried", revision: 7, differences });
    expect(changeOf(failed, spec({ instances: 2 })).differences).toEqual(["instances: 1 -> 2", ...differences]);
    // A new revision is another try anyway.
    expect(changeOf(failed, spec({ command: ["other"] })).differences).toHaveLength(1);
  });
  test("of an unknown app creates it", () => {
    expect(changeOf(null, spec())).toEqual({ app: "web", change: "created", revision: 1, differences: [] });
  });
});

test("each difference says what it costs: a probe's timing is live, what it checks is not", () => {
  const probed = (health: AppInput["health"]) => spec({ health });
  const before = probed({ readiness: { http: "/a" } });
  const after = probed({ readiness: { http: "/b", period: "3s", failureThreshold: 9 } });
  expect(changeOf({ spec: before, revision: 1, running: true, failed: [] }, after).differences).toEqual([
    'health.readiness.check.path: "/a" -> "/b" (restart)',
    "health.readiness.periodMs: 10s -> 3s (live)",
    "health.readiness.failureThreshold: 3 -> 9 (live)",
  ]);
  const timed = probed({ readiness: { http: "/a", timeout: "5s", successThreshold: 2, initialDelay: "1s" } });
  const change = changeOf({ spec: before, revision: 1, running: true, failed: [] }, timed);
  expect(change.differences.every((line) => line.endsWith("(live)"))).toBe(true);
  expect(fitOf({ spec: before, restarts: 0 }, { spec: timed, restarts: 0 })).toBe("live");
});

describe("the fit of a running instance", () => {
  const revision = (changes: Partial<AppInput> = {}, restarts = 0) => ({ spec: spec(changes), restarts });
  test.each([
    ["current", revision()],
    ["current", revision({ instances: 9 })],
    ["live", revision({ restart: "never" })],
    ["live", revision({ stop: { grace: "1s" } })],
    ["live", revision({ resources: { memory: "1GB" } })],
    ["live", revision({ resources: { memory: "256MB", io: { write: "1MB/s" } } })],
    ["outdated", revision({ resources: { memory: "256MB", network: "1Mbit" } })],
    ["outdated", revision({ health: { http: "/" } })],
    ["outdated", revision({ resources: { memory: "256MB", disk: "1GB" } })],
    ["outdated", revision({ resources: { memory: "256MB", openFiles: 64 } })],
    ["outdated", revision({ env: { A: "2" } })],
    ["outdated", revision({}, 1)],
  ] as const)("is %s", (fit, wanted) => expect(fitOf(revision(), wanted)).toBe(fit));
});
