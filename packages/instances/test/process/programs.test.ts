import { existsSync } from "node:fs";
import { get } from "node:http";
import { fileURLToPath } from "node:url";
import { type Exit, type InstanceState, parseApp } from "@constellation/contract";
import { Instance, type PortBinding, type ProcessDriver, type ResolvedRun } from "@constellation/instances";
import { allocatePrivatePort, PortProcess } from "@constellation/instances/ports";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits, requestFor } from "../driver/conformance.ts";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { runToEnd } from "./runs.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

let playground: Playground;
let driver: ProcessDriver;
const alive = new Set<Life>();
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
});
afterAll(async () => {
  for (const life of alive) await life.end();
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});

/** An instance with what it told, to wait for. */
class Life {
  readonly instance: Instance;
  readonly exits: Exit[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #index: number;

  constructor(run: ResolvedRun, health: object, ports: readonly PortBinding[], env: Record<string, string> = {}) {
    const spec = parseApp({ name: "x", command: ["x"], port: 80, health, stop: { grace: "5s" } });
    const { index } = requestFor(run);
    this.#index = index;
    this.instance = new Instance({
      driver,
      spec,
      request: ({ runId, count: { restarts } }) =>
        Promise.resolve(
          requestFor(run, {
            runId,
            restarts,
            index,
            ports,
            env: { ...env, ...playground.env },
            isolation: spec.isolation,
          }),
        ),
      observer: {
        changed: () => this.#tell(),
        started: () => {},
        ended: (_runId, exit) => Promise.resolve(void this.exits.push(exit)),
        probed: () => {},
        trouble: (what, error) => console.error(what, error),
      },
    });
    alive.add(this);
    this.instance.handle({ type: "start" });
  }

  async until(wanted: (state: InstanceState) => boolean): Promise<InstanceState> {
    while (!wanted(this.instance.state)) {
      await new Promise<void>((resolve) => {
        const heard = (): void => {
          this.#listeners.delete(heard);
          resolve();
        };
        this.#listeners.add(heard);
      });
    }
    return this.instance.state;
  }

  async ready(): Promise<void> {
    await this.until((state) => state.status === "running" && state.ready);
  }

  async end(): Promise<void> {
    alive.delete(this);
    this.instance.handle({ type: "stop" });
    await this.until(({ status }) => status === "stopped" || status === "failed" || status === "completed");
    // The run is released after its end was recorded.
    while ((await driver.list()).some(({ index }) => index === this.#index))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

async function forwarded(): Promise<PortBinding & { readonly release: () => void }> {
  const { port, release } = await allocatePrivatePort();
  const url = `http://127.0.0.1:${port}`;
  return { mode: "forwarded", name: "http", publicPort: port, address: "127.0.0.1", port, url, release };
}

function body(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, path, host: "127.0.0.1", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

const fast = { period: "50ms", timeout: "2s" };

describe("Node scripts", () => {
  test.runIf(limitsHere)(
    "run with their arguments, in the data folder, with a heap below their memory limit",
    async () => {
      const run: ResolvedRun = { kind: "script", file: fixture("script.cjs"), args: ["--port=$PORT", "${NAME}"] };
      const request = requestFor(run, {
        env: { NAME: "value", ...playground.env },
        resources: limits({ memoryBytes: 200_000_000 }),
      });
      const { lines } = await runToEnd(driver, request);
      const said = JSON.parse(lines[0] ?? "") as { argv: string[]; cwd: string; heap: number };
      expect(said.argv).toEqual(["--port=$PORT", "value"]);
      expect(said.cwd).toBe("/data");
      expect(said.heap).toBeLessThan(160_000_000);
    },
  );

  test("serve their private port, answer probes, push numbers", async () => {
    const port = await forwarded();
    const life = new Life({ kind: "script", file: fixture("web.mjs"), args: [] }, { http: "/healthz", ...fast }, [
      port,
    ]);
    await life.ready();
    expect(await body(port.port, "/")).toMatch(/^suite\.\d+$/);
    while (life.instance.run?.stats()?.custom["jobs"] !== 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(life.instance.run.stats()?.custom).toEqual({ jobs: 3, "queue.length": 0.5 });
    await life.end();
    port.release();
  });

  test("a program that falls ill is ended as unhealthy and started again", async () => {
    const port = await forwarded();
    const probe = { http: "/healthz", ...fast, failureThreshold: 2 };
    const life = new Life(
      { kind: "script", file: fixture("web.mjs"), args: [] },
      { readiness: probe, liveness: { ...probe, initialDelay: "1s" } },
      [port],
    );
    await life.ready();
    await body(port.port, "/fall-ill");
    await life.until(() => life.instance.count.restarts === 1);
    expect(life.exits).toMatchObject([
      { kind: "unhealthy", reason: expect.stringContaining("its liveness probe failed") as string },
    ]);
    await life.ready();
    await life.end();
    port.release();
  });

  test("of two that share one port each is probed by itself", async () => {
    const port = await PortProcess.start({
      folder: join(playground.root, "port"),
      address: "127.0.0.1",
      port: 0,
      sharing: "shared",
    });
    const binding: PortBinding = {
      mode: "shared",
      name: "http",
      publicPort: port.port,
      port: port.port,
      address: "127.0.0.1",
      url: `http://127.0.0.1:${port.port}`,
      socketFile: port.socketFile,
    };
    const run: ResolvedRun = { kind: "script", file: fixture("web.mjs"), args: [] };
    const well = new Life(run, { readiness: { http: "/healthz", ...fast } }, [binding]);
    const sick = new Life(run, { readiness: { http: "/healthz", ...fast } }, [binding], { SICK: "yes" });
    await well.ready();
    await sick.until((state) => state.status === "running" && state.notReady === "status 503");
    expect(await body(port.port, "/")).toMatch(/^suite\.\d+$/);
    await well.end();
    await sick.end();
    await port.close();
  });
});

describe("other people's programs", () => {
  test.runIf(existsSync("/usr/bin/python3"))("python serves its folder", async () => {
    const port = await forwarded();
    const life = new Life(
      { kind: "command", argv: ["python3", "-m", "http.server", "$PORT"] },
      { http: "/", ...fast },
      [port],
    );
    await life.ready();
    expect(await body(port.port, "/")).toContain("Directory listing");
    await life.end();
    port.release();
  });

  test.runIf(existsSync("/usr/bin/redis-server"))("redis, by a tcp probe and by a line of its log", async () => {
    const port = await forwarded();
    const argv = ["redis-server", "--port", "$PORT", "--save", "", "--dir", "/data"];
    const life = new Life(
      { kind: "command", argv },
      { startup: { logLine: "Ready to accept connections", ...fast }, readiness: { tcp: true, ...fast } },
      [port],
    );
    await life.ready();
    await life.end();
    expect(life.exits).toMatchObject([{ kind: "stopped", code: 0 }]);
    port.release();
  });

  test.runIf(existsSync("/usr/sbin/nginx"))("nginx, by an exec probe", async () => {
    const port = await forwarded();
    const config =
      'daemon off; pid /tmp/nginx.pid; error_log stderr; events {} http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; server { listen 127.0.0.1:${PORT}; return 200 "hello"; } }';
    const argv = ["sh", "-c", `echo '${config}' > /tmp/nginx.conf; exec nginx -e stderr -c /tmp/nginx.conf`];
    const probe = { exec: ["sh", "-c", "test -f /tmp/nginx.pid"], ...fast };
    const life = new Life({ kind: "command", argv }, { readiness: probe }, [port]);
    await life.ready();
    expect(await body(port.port, "/")).toBe("hello");
    expect((await life.instance.run?.inspect())?.processes.length).toBeGreaterThanOrEqual(2);
    await life.end();
    port.release();
  });
});
