import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AppInput } from "@constellation/contract";
import { FileLogStore, openSqliteState } from "@constellation/engine";
import { ProcessDriver, systemClock } from "@constellation/instances";
import { openCgroupBase, removeCgroupBase } from "@constellation/host";
import { type Daemon, startDaemon } from "../../src/daemon.ts";
import { MemoryArchive } from "../../src/observe/index.ts";

/** A home on the real disk with real processes; daemons come and go in it. */
export class Site {
  readonly home = mkdtempSync(join(tmpdir(), "cst-site-"));
  readonly reports: string[] = [];
  readonly #archive = new MemoryArchive();
  readonly #cgroupBase = `constellation-site-${randomBytes(4).toString("hex")}`;
  #close: () => Promise<void> = () => Promise.resolve();

  async start(): Promise<Daemon> {
    const store = openSqliteState({ path: join(this.home, "state.db") });
    const logs = new FileLogStore({ directory: join(this.home, "logs") });
    const driver = await ProcessDriver.open({
      runtime: join(this.home, "run"),
      state: this.home,
      cgroupBase: this.#cgroupBase,
    });
    const daemon = await startDaemon({
      store,
      logs,
      driver,
      telemetry: { sample: () => undefined },
      archive: this.#archive,
      newestEvent: this.#archive.events.at(-1),
      artifacts: {
        has: () => Promise.resolve(false),
        get: () => Promise.reject(new Error("there are no artifacts here")),
        put: () => Promise.resolve(),
        file: () => Promise.reject(new Error("there are no artifacts here")),
        collect: () => Promise.resolve(),
      },
      portsFolder: join(this.home, "run", "ports"),
      dataFolder: this.home,
      stateDirectory: this.home,
      clock: systemClock,
      random: Math.random,
      bootId: () => "this boot",
      report: (text, error) => this.reports.push(`${text}: ${error instanceof Error ? error.stack : String(error)}`),
      quit: () => undefined,
      lost: () => undefined,
    });
    this.#close = async () => {
      await daemon.stop();
      await driver.close();
      await logs.close();
      await store.close();
    };
    return daemon;
  }

  /** Ends the daemon; its instances go on. */
  async stop(): Promise<void> {
    await this.#close();
    this.#close = () => Promise.resolve();
  }

  /** What runs and ports have left. */
  leftovers(): string[] {
    return ["run/runs", "run/ports", "data", "logs"].flatMap((name) => {
      const folder = join(this.home, name);
      return existsSync(folder) ? readdirSync(folder) : [];
    });
  }

  /** Ends everything. */
  async close(daemon: Daemon): Promise<void> {
    await Promise.all((await daemon.platform.apps()).map(({ name }) => daemon.platform.removeApp(name)));
    await this.stop();
    const base = openCgroupBase({ name: this.#cgroupBase });
    if (base.kind === "ready" && !removeCgroupBase(base.base)) throw new Error("control groups are left");
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

const program = `require("node:http").createServer((q, r) => r.end(process.env.CONSTELLATION_INSTANCE)).listen(Number(process.env.PORT))`;

/** A server in Node: its instances share the socket, or stand behind the forwarder. */
export function server(name: string, port: number, socket: "inherit" | "forward", instances = 2): AppInput {
  return {
    name,
    command: ["node", "-e", program],
    instances,
    port: { public: port, socket },
    health: { http: "/" },
    stop: { grace: "1s" },
    restart: { backoff: { initial: "20ms", max: "100ms" } },
  };
}
