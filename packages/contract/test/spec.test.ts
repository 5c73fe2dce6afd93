import { type AppInput, ConstellationError, parseApp, routes } from "@constellation/contract";
import { openApiDocument } from "@constellation/contract/openapi";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const web: AppInput = {
  name: "web",
  script: "./server.ts",
  instances: 3,
  resources: { cpu: 0.5, memory: "256MB", pids: 64, disk: "200MB", network: "50Mbit" },
  env: { NODE_ENV: "production" },
  port: 8080,
  health: { http: "/healthz" },
  restart: { policy: "always" },
};

const problem = (input: unknown): string => {
  try {
    parseApp(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ConstellationError);
    return (error as Error).message;
  }
  throw new Error("was accepted");
};

describe("a spec", () => {
  test("of the README becomes numbers with units in their names", () => {
    const spec = parseApp(web);
    expect(spec.resources).toMatchObject({
      cpuCores: 0.5,
      memoryBytes: 256e6,
      pids: 64,
      diskBytes: 200e6,
      networkInBitsPerSecond: 50e6,
      networkOutBitsPerSecond: 50e6,
    });
    expect(spec.ports).toEqual([
      { name: "http", publicPort: 8080, targetPort: null, address: "127.0.0.1", socket: "auto" },
    ]);
    expect(spec.health.startup?.periodMs).toBe(100);
    expect(spec.health.liveness).toMatchObject({
      check: { kind: "http", path: "/healthz" },
      periodMs: 10_000,
      failureThreshold: 3,
    });
    expect(spec.restart).toMatchObject({ policy: "always", intensity: null });
  });

  test("means the same with and without settings that say nothing", () => {
    const bare = { name: "web", command: ["true"] };
    expect(parseApp({ ...bare, resources: {}, restart: {}, isolation: {}, health: {}, stop: {}, logs: {} })).toEqual(
      parseApp(bare),
    );
  });

  test("is refused with the path, the value and what is wanted", () => {
    expect(problem({ ...web, resources: { memory: "256 elephants" } })).toContain(
      'resources.memory: "256 elephants" is not a size',
    );
    expect(problem({ ...web, restart: "sometimes" })).toContain(
      'restart is "sometimes": expected one of "always"|"on-failure"|"never", or object',
    );
    expect(problem({ ...web, health: { http: "/", tcp: true } }).match(/exactly one/g)).toHaveLength(1);
    // What would be left out without a word.
    expect(problem(JSON.parse('{ "name": "web", "command": ["x"], "env": { "__proto__": "1" } }'))).toContain(
      'env: "__proto__" cannot be a name',
    );
    // What no kernel takes.
    expect(problem({ ...web, env: { A: "é".repeat(65_535) } })).toContain(
      "env.A: must not be longer than 131071 bytes",
    );
    expect(problem({ name: "web", command: ["x".repeat(131_072)] })).toContain("command[0]: must not be longer");
    expect(problem({ name: "web", command: [""] })).toContain("command[0]: must name a program");
    parseApp({ name: "web", command: ["echo", ""] });
    parseApp({ name: "web", command: ["x".repeat(131_071)], env: { A: "x".repeat(131_069) } });
    expect(problem({ ...web, resources: { cpu: 0.0001 } })).toContain("resources.cpu is 0.0001");
    expect(problem({ ...web, resources: { memory: "999kB" } })).toContain("resources.memory: must be at least 1 MB");
    parseApp({ ...web, resources: { memory: "1MB" } });
    expect(problem({ ...web, env: { "MY-KEY": "a", "2": "b", OK: "c" } })).toBe(
      'The spec of "web" is not valid: ' +
        ["2", "MY-KEY"]
          .map((name) => `env: "${name}" is not the name of a variable (letters, digits and "_", no digit first)`)
          .join("; "),
    );
    expect(problem({ ...web, dependsOn: { "My App": "healthy" } })).toContain(
      'dependsOn: "My App" must be 1 to 40 lower case letters',
    );
    expect(problem({ ...web, instances: "three" })).toContain('instances is "three"');
    expect(problem({ ...web, replicas: 3 })).toContain('no setting "replicas"');
    expect(problem({ ...web, resources: { memroy: "1GB" } })).toContain('resources has no setting "memroy"');
    expect(problem({ ...web, health: { http: "healthz" } })).toContain('must start with "/"');
    expect(
      problem({
        ...web,
        port: [
          { public: 80, name: "a" },
          { public: 80, name: "b" },
        ],
      }),
    ).toContain("two ports have the public port 80");
    expect(problem({ ...web, command: ["true"] })).toContain("exactly one of script and command");
    expect(problem({ name: "web", command: ["true"], external: ["express"] })).toContain("a command is not bundled");
    expect(problem({ ...web, external: ["./lib"] })).toContain("must be the name of a package");
    expect(problem({ ...web, dependsOn: ["web"] })).toContain("cannot depend on itself");
    expect(problem({ ...web, health: { liveness: { period: "1s" } } })).toContain(
      "exactly one of http, tcp, exec, logLine",
    );
    expect(problem({ ...web, name: "Web Server" })).toContain('name is "Web Server"');
  });

  test("is refused where the kernel, Node or HTTP would not take it, or would take it for something else", () => {
    const health = (http: unknown): string => problem({ ...web, health: { http } });
    expect(health({ path: "/", port: 70_000 })).toContain("health.http.port is 70000");
    expect(health({ path: "/", port: 0 })).toContain("health.http.port is 0");
    expect(health({ path: "/", headers: { "a b": "x" } })).toContain("health.http.headers: has a name that no header");
    expect(health({ path: "/", headers: { a: "x\r\nHost: y" } })).toContain("health.http.headers.a is");
    expect(health("/ä b")).toContain("%20 for a space");
    expect(problem({ ...web, health: { tcp: "admin" } })).toContain(
      'health: a probe asks port "admin"; the app has http',
    );
    expect(
      problem({ name: "web", command: ["x"], health: { liveness: { http: { path: "/", port: "x" } } } }),
    ).toContain("the app has no port");
    for (const health of [{ http: "/" }, { readiness: { tcp: true } }])
      expect(problem({ name: "web", command: ["x"], health })).toContain("a probe asks a port; the app has no port");
    expect(problem({ ...web, health: { exec: ["a\0"] } })).toContain("NUL");
    expect(problem({ ...web, folder: "/a\0b" })).toContain("folder: must not contain a NUL");
    expect(problem({ ...web, mounts: [{ source: "/a\0", target: "/b" }] })).toContain("mounts[0].source: must not");
    const mounts = ["/a", "/b"].map((source) => ({ source, target: "/data" }));
    expect(problem({ ...web, mounts })).toContain("two mounts have the target /data");
    expect(problem({ ...web, port: { public: 80, address: "localhost" } })).toContain(
      'port.address is "localhost": expected an IPv4 address, or an IPv6 address',
    );
    expect(problem({ ...web, port: { public: 80, target: 3000, container: 3001 } })).toContain(
      "two words for one port",
    );
    // Zero is "no bound" to a file system in memory and to a disk quota.
    expect(problem({ ...web, isolation: { tmp: 0 } })).toContain("isolation.tmp: must be at least 4096 bytes");
    expect(problem({ ...web, resources: { disk: "0MB" } })).toContain("resources.disk: must be at least 4096 bytes");
    const ports = [
      { public: 80, name: "http", target: 3000, container: 3000 },
      { public: 81, name: "admin" },
    ];
    const probe = { path: "/a?b=c%20d", port: "admin", headers: { Host: "x", "X-A": "é, b\tc" } };
    parseApp({ ...web, port: ports, health: { readiness: { http: probe }, liveness: { tcp: 3000 } } });
  });

  test("of any shape is either parsed or refused with spec.invalid", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.record({
            name: fc.constant("x"),
            command: fc.anything(),
            port: fc.anything(),
            health: fc.anything(),
            restart: fc.anything(),
            resources: fc.anything(),
          }),
        ),
        (input) => {
          try {
            parseApp(input);
          } catch (error) {
            expect((error as ConstellationError).code).toBe("spec.invalid");
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("logs are asked for by an instance's name and by a time that there can be", () => {
  const { query } = routes.logs;
  expect(query.safeParse({ instance: "web.1", since: "1700000000000" }).success).toBe(true);
  for (const bad of [{ instance: "../web" }, { instance: "" }, { since: "253402300800000" }, { since: "-1" }])
    expect(query.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
});

test("the OpenAPI document lists every route", () => {
  const document = openApiDocument("1.2.3") as { paths: Record<string, Record<string, { operationId: string }>> };
  const listed = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.operationId),
  );
  expect(listed.toSorted()).toEqual(Object.keys(routes).toSorted());
});
