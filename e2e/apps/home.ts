import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AppInput, AppSummary, Instance, InstanceDetails } from "@constellation/contract";
import { killProcess, listProcesses, type Process } from "../chaos/processes.ts";
import { leftOnMachine } from "./left-on-machine.ts";

const root = resolve(import.meta.dirname, "../..");
const program = join(root, "packages/cli/dist/constellation.js");

/** What a command of the user ended with. */
export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A user's folder with a daemon of its own, reached through the command line only. */
export class Home {
  // Short: sockets lie below it.
  readonly folder = mkdtempSync(join(tmpdir(), "cse-"));
  readonly home = join(this.folder, "h");
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv = {}) {
    // Instances are users of their own: they must be able to read their app's folder.
    chmodSync(this.folder, 0o755);
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    this.#environment = { ...process.env, ...environment, CONSTELLATION_HOME: this.home, NO_COLOR: "1" };
  }

  write(name: string, text: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Takes a program of `programs/` into the folder. */
  take(name: string): void {
    copyFileSync(join(import.meta.dirname, "programs", name), join(this.folder, name));
  }

  /** Writes a spec as a user does. */
  spec(...apps: readonly AppInput[]): string {
    const text = `import { app } from "constellation";\nexport default [\n${apps.map((app) => `  app(${JSON.stringify(app)}),\n`).join("")}];\n`;
    return this.write("deploy.ts", text);
  }

  /** Runs `constellation …` and waits for its end. */
  constellation(...argv: readonly string[]): Promise<Ended> {
    return this.#run([process.execPath, program, ...argv]);
  }

  /** Runs a shell script that sets the scene and then `constellation …` as `"$@"`. */
  staged(scene: string, ...argv: readonly string[]): Promise<Ended> {
    return this.#run(["sh", "-c", scene, "sh", process.execPath, program, ...argv]);
  }

  #run([file = "", ...words]: readonly string[]): Promise<Ended> {
    return new Promise((done) => {
      execFile(
        file,
        words,
        { cwd: this.folder, env: this.#environment, timeout: 100_000, maxBuffer: 64_000_000 },
        (error, out, err) =>
          done({ status: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
      );
    });
  }

  /** Runs a command that must succeed. */
  async ok(...argv: readonly string[]): Promise<string> {
    const { status, out, err } = await this.constellation(...argv);
    if (status !== 0) throw new Error(`constellation ${argv.join(" ")} ended with ${status}:\n${out}${err}`);
    return out;
  }

  async ps(): Promise<{ readonly apps: AppSummary[]; readonly instances: Instance[] }> {
    return JSON.parse(await this.ok("ps", "--json")) as { apps: AppSummary[]; instances: Instance[] };
  }

  async inspect(instance: string): Promise<InstanceDetails> {
    return JSON.parse(await this.ok("inspect", instance, "--json")) as InstanceDetails;
  }

  async instance(name: string): Promise<Instance> {
    const found = (await this.ps()).instances.find((instance) => instance.name === name);
    if (found === undefined) throw new Error(`there is no instance ${name}`);
    return found;
  }

  /** Numbers of the programs by instance. */
  async pids(): Promise<Record<string, number>> {
    const { instances } = await this.ps();
    return Object.fromEntries(
      instances.flatMap(({ name, state }) => (state.status === "running" ? [[name, state.pid]] : [])),
    );
  }

  daemon(): Process {
    const found = this.#processes().find(({ command }) => /\bdaemon\.js$/.test(command));
    if (found === undefined) throw new Error(`no daemon of ${this.home} runs`);
    return found;
  }

  /** Removes everything; throws when anything is left on the machine. */
  async close(): Promise<void> {
    try {
      // A test that failed may have left none; what it started is ended by the next.
      await this.constellation("daemon", "start");
      await this.constellation("rm", "--all");
      await this.constellation("daemon", "stop", "--instances");
      const left = leftOnMachine(this.home);
      if (left.length > 0) throw new Error(`left on the machine: ${left.join("; ")}\n${this.#daemonLog()}`);
    } finally {
      for (let round = 0; round < 10; round += 1) for (const each of this.#processes()) killProcess(each);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  #processes(): Process[] {
    return listProcesses().filter(
      ({ pid, command, environment }) =>
        pid !== process.pid && (command.includes(this.home) || environment["CONSTELLATION_HOME"] === this.home),
    );
  }

  #daemonLog(): string {
    try {
      return readFileSync(join(this.home, "daemon.log"), "utf8");
    } catch {
      return "";
    }
  }
}
