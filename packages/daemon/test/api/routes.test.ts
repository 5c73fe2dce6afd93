import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { MemoryPlatform } from "./memory-platform.ts";
import { served } from "./served.ts";

const web = { name: "web", command: ["sleep", "1"], instances: 2, port: 8080 };

test("an app is created, seen, scaled, stopped and removed", async () => {
  const { call } = await served();
  expect((await call("POST", "/v1/apply", { apps: [web] })).json()).toEqual({
    changes: [{ app: "web", change: "created", revision: 1, differences: [] }],
  });
  await vi.waitFor(async () =>
    expect((await call("GET", "/v1/apps/web")).json()).toMatchObject({ status: "healthy", spec: { name: "web" } }),
  );
  expect((await call("POST", "/v1/apps/web/scale", { instances: 3 })).json()).toEqual({});
  expect((await call("GET", "/v1/instances?app=web")).json()).toHaveProperty("instances.length", 3);
  expect((await call("GET", "/v1/instances/web.1")).json()).toMatchObject({ name: "web.1", runId: "web.1-run" });
  expect((await call("GET", "/v1/instances/web.1/plan")).text).toContain("exec /bin/true");
  for (const verb of ["restart", "stop", "start"])
    expect((await call("POST", `/v1/apps/web/${verb}`)).status).toBe(200);
  expect((await call("DELETE", "/v1/apps/web")).status).toBe(200);
  expect((await call("GET", "/v1/apps")).json()).toEqual({ apps: [] });
});

test("every answer says the version of the API", async () => {
  const { call } = await served();
  for (const path of ["/v1/version", "/v1/apps/nothing", "/elsewhere", "/v1/logs"])
    expect((await call("GET", path)).headers["constellation-api"]).toBe("1");
});

test("the OpenAPI document lists every path that answers", async () => {
  const { call } = await served();
  const { paths } = (await call("GET", "/v1/openapi.json")).json() as { paths: Record<string, object> };
  expect(Object.keys(paths)).toContain("/v1/instances/{instance}/exec");
  for (const [path, operations] of Object.entries(paths)) {
    if (!("get" in operations)) continue;
    const { text } = await call("GET", path.replace(/\{\w+\}/, "web.9"));
    expect(text).not.toMatch(/^\{"code":"route.not-found"/);
  }
}, 20_000);

test("an artifact is stored only under its own SHA-256", async () => {
  const { call, platform } = await served();
  const bytes = Buffer.from("console.log(1)");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect((await call("HEAD", `/v1/artifacts/${sha256}`)).status).toBe(404);
  expect((await call("PUT", `/v1/artifacts/${"0".repeat(64)}`, bytes)).json()).toMatchObject({
    code: "request.invalid",
  });
  expect((await call("PUT", `/v1/artifacts/${sha256}`, bytes)).status).toBe(200);
  expect((await call("HEAD", `/v1/artifacts/${sha256}`)).status).toBe(200);
  expect(platform.artifacts.get(sha256)).toEqual(bytes);
  const { text, headers } = await call("GET", `/v1/artifacts/${sha256}`);
  expect([text, headers["content-length"]]).toEqual([bytes.toString(), String(bytes.length)]);
  expect((await call("GET", `/v1/artifacts/${"0".repeat(64)}`)).json()).toMatchObject({ code: "artifact.not-found" });
});

test.each([
  ["GET", "/v1/apps/WEB", undefined, "app.not-found", 404],
  ["GET", "/v1/apps/web", undefined, "app.not-found", 404],
  ["GET", "/v1/instances/web", undefined, "instance.not-found", 404],
  ["GET", "/v1/instances/web.1/exec", undefined, "request.invalid", 400],
  ["GET", "/nowhere", undefined, "route.not-found", 404],
  ["PATCH", "/v1/apps", undefined, "route.not-found", 404],
  ["GET", "/v1/logs?tail=-1", undefined, "request.invalid", 400],
  ["POST", "/v1/apply", Buffer.from("{"), "request.invalid", 400],
  ["POST", "/v1/apply", { apps: [] }, "request.invalid", 400],
  ["POST", "/v1/apply", { apps: [web], extra: 1 }, "request.invalid", 400],
  ["POST", "/v1/apply", { apps: [{ ...web, instances: "two" }] }, "spec.invalid", 400],
  ["POST", "/v1/apply", { apps: [{ name: "a", script: "a.js" }] }, "artifact.not-found", 404],
  ["POST", "/v1/apply", Buffer.alloc(10_000_001, 32), "spec.too-large", 413],
] as const)("%s %s %s is refused with %s", async (method, path, body, code, status) => {
  const { call, platform } = await served();
  const answer = await call(method, path, body);
  expect(answer.json()).toMatchObject({ code });
  expect(answer.status).toBe(status);
  expect(answer.json()).toHaveProperty("message");
  expect(await platform.apps()).toEqual([]);
});

test("whatever JSON comes as a spec, the answer is about the spec and nothing changes", async () => {
  const { call, platform, faults } = await served();
  const setting = fc.constantFrom(
    "script",
    "command",
    "port",
    "health",
    "restart",
    "resources",
    "env",
    "isolation",
    "x",
  );
  const spec = fc.oneof(
    fc.jsonValue(),
    fc.tuple(setting, fc.jsonValue()).map(([name, value]) => ({ name: "web", [name]: value })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { maxLength: 3 }), async (apps) => {
      const { status } = await call("POST", "/v1/apply", { apps, dryRun: true });
      expect([200, 400, 404]).toContain(status);
    }),
    { numRuns: 200 },
  );
  expect(faults).toEqual([]);
  expect(await platform.apps()).toEqual([]);
});

test("a fault of ours is logged under an id, and its text stays inside", async () => {
  class Faulty extends MemoryPlatform {
    override apps(): Promise<never> {
      return Promise.reject(new Error("password 1234"));
    }
  }
  const { call, faults } = await served({}, new Faulty());
  const answer = await call("GET", "/v1/apps");
  expect(answer.status).toBe(500);
  expect(answer.json()).toMatchObject({ code: "internal.bug", details: { id: expect.any(String) } });
  expect(answer.text).not.toContain("1234");
  expect(faults).toEqual([new Error("password 1234")]);
});

test("a path is decoded, HEAD is GET without a body, and what cannot be decoded is just not there", async () => {
  const { call } = await served();
  await call("POST", "/v1/apply", { apps: [web] });
  expect((await call("GET", "/v1/apps/w%65b")).json()).toMatchObject({ name: "web" });
  expect((await call("GET", "/v1/apps/%zz")).json()).toMatchObject({ code: "app.not-found" });
  expect((await call("GET", "/v1/instances?app=web&app=other")).json()).toHaveProperty("instances.length", 2);
  const head = await call("HEAD", "/v1/apps");
  expect([head.status, head.text]).toEqual([200, ""]);
  for (const path of ["//", "/v1//apps", "/v1/apps/", "*", "/v1/apps/web/../web"])
    expect([path, (await call("GET", path)).status]).toEqual([path, 404]);
});

test("a body that is refused while it still comes is answered, and the next call is served", async () => {
  const { call, platform } = await served();
  const endless = Buffer.alloc(12_000_000, 32);
  for (let round = 0; round < 3; round += 1) {
    const answer = await call("PUT", `/v1/artifacts/${"0".repeat(63)}!`, endless);
    expect(answer.status).toBe(400);
    expect((await call("POST", "/v1/apply", endless)).status).toBe(413);
    expect((await call("GET", "/v1/apps")).status).toBe(200);
  }
  expect(await platform.apps()).toEqual([]);
});
