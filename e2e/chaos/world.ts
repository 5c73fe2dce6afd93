import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AppInput } from "@constellation/contract";
import { Constellation } from "@constellation/sdk";
import { killProcess, listProcesses, type Process } from "./processes.ts";

/** Variable that marks every process of this world's instances. */
const marker = "CHAOS_WORLD";

/** Prints numbers, has a child and a grandchild that left its session: everything must die with it. */
const counter = `
  (setsid sleep 1000 & ) ; sleep 1000 &
  i=0; while :; do echo "n $$ $RUN $i"; i=$((i+1)); sleep 0.02; done`;

/** The same in Node, serving the app's port from the socket that all its instances share. */
const server = `
  let i = 0;
  setInterval(() => console.log("n", process.pid, process.env.RUN, i++), 20);
  require("node:http").createServer((q, r) => r.end("here")).listen(Number(process.env.PORT));`;

/** A home of its own with a real daemon and real instances in it. */
export class World {
  readonly home = mkdtempSync(join(tmpdir(), "ch-"));
  readonly id = randomBytes(6).toString("hex");
  readonly client = new Constellation();

  /** Makes sure that a daemon runs. */
  async daemon(): Promise<void> {
    await this.client.init({ home: this.home, timeout: "20s" });
  }

  /** An app that counts. */
  app(name: string, instances: number, changes: Partial<AppInput> = {}): AppInput {
    return {
      name,
      command: ["sh", "-c", counter],
      instances,
      restart: { policy: "always", backoff: { initial: "20ms", max: "200ms" } },
      stop: { grace: "500ms" },
      resources: { memory: "64MB", pids: 32, bestEffort: true },
      ...changes,
      env: { [marker]: this.id, RUN: "1", ...changes.env },
    };
  }

  /** An app that counts and serves. */
  server(name: string, instances: number, port: number): AppInput {
    const resources = { memory: "256MB", bestEffort: true };
    return this.app(name, instances, { command: ["node", "-e", server], port, resources, health: { http: "/" } });
  }

  /** Programs of instances, and what they have started. */
  workload(): Process[] {
    return listProcesses().filter(({ environment }) => environment[marker] === this.id);
  }

  /** Processes of the platform itself: daemon, supervisors, ports. */
  platform(): Process[] {
    return listProcesses().filter(
      ({ pid, command, environment }) =>
        pid !== process.pid &&
        (command.includes(this.home) ||
          (environment["CONSTELLATION_HOME"] === this.home && command.includes("daemon"))),
    );
  }

  daemonProcess(): Process | undefined {
    return this.platform().find(({ environment }) => environment["CONSTELLATION_HOME"] === this.home);
  }

  /** Folders of control groups that belong to this home, below the base that its daemon keeps. */
  controlGroups(): string[] {
    // What waits for instances is the daemon's own; nothing of it may be left when that has ended.
    const spares = join(this.home, "run", "spares");
    const waiting = new Set(
      (existsSync(spares) ? readdirSync(spares) : []).flatMap((id) => [`spare-${id}`, `slot-${id}`]),
    );
    return this.controlGroupBases().flatMap((base) =>
      foldersIn(base)
        .filter((name) => !waiting.has(name))
        .map((name) => join(base, name)),
    );
  }

  mounts(): string[] {
    return readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(this.home));
  }

  /** What is left of runs and ports: folders, FIFOs, sockets. */
  leftovers(): string[] {
    return ["runs", "ports"].flatMap((name) => {
      const folder = join(this.home, "run", name);
      return existsSync(folder) ? readdirSync(folder).map((entry) => join(folder, entry)) : [];
    });
  }

  /** What the daemons of this world have said. */
  daemonLog(): string {
    const path = join(this.home, "daemon.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Ends everything by force; for a test that has failed. */
  destroy(): void {
    for (let round = 0; round < 20; round += 1) {
      const alive = [...this.platform(), ...this.workload()];
      if (alive.length === 0) break;
      for (const process of alive) killProcess(process);
    }
    rmSync(join(this.home, "run", "spares"), { recursive: true, force: true });
    for (const group of [...this.controlGroups(), ...this.controlGroupBases()]) rmdirSync(group);
    rmSync(this.home, { recursive: true, force: true });
  }

  /** The groups above them; their name is made of the home's path, which keeps two daemons of one machine apart. */
  controlGroupBases(): string[] {
    const name = `constellation-${createHash("sha256").update(this.home).digest("hex").slice(0, 8)}`;
    const roots = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => / - cgroup2? /.test(line))
      .flatMap((line) => line.split(" ")[4] ?? []);
    return roots.flatMap((root) => findBases(root, name, 4));
  }
}

function findBases(folder: string, name: string, depth: number): string[] {
  if (depth === 0) return [];
  return foldersIn(folder).flatMap((entry) => {
    const path = join(folder, entry);
    return entry === name ? [path] : findBases(path, name, depth - 1);
  });
}

/** Folders in a folder; none in one that is gone by now, because others use this machine too. */
function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
