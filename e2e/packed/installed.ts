import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** A user's empty folder in which the packed package was installed. */
export interface Installed {
  readonly folder: string;
  readonly home: string;
  /** Runs `npx constellation …` there. */
  readonly constellation: (...argv: string[]) => {
    readonly status: number | null;
    readonly out: string;
    readonly err: string;
  };
  readonly write: (name: string, text: string) => void;
  /** Stops everything and removes the folder; throws when a process is left. */
  readonly remove: () => void;
}

/** `npm pack`, then `npm install` of the result in an empty folder, as a user does. */
export function installPacked(): Installed {
  // Short: sockets lie below it.
  const folder = mkdtempSync(join(tmpdir(), "cpk-"));
  // Instances are users of their own: they must be able to read their app's folder.
  chmodSync(folder, 0o755);
  const home = join(folder, "h");
  const environment = { ...process.env, CONSTELLATION_HOME: home, NO_COLOR: "1" };
  const [packed] = JSON.parse(
    npm(root, "pack", "--json", "--workspace", "constellation", "--pack-destination", folder),
  ) as [{ filename: string }];
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }');
  npm(folder, "install", "--prefer-offline", "--no-audit", "--no-fund", `./${packed.filename}`);
  const constellation: Installed["constellation"] = (...argv) => {
    const run = spawnSync("npx", ["--no-install", "constellation", ...argv], {
      cwd: folder,
      env: environment,
      encoding: "utf8",
      timeout: 100_000,
    });
    return { status: run.status, out: run.stdout, err: run.stderr.replace(/^npm warn .*\n/gm, "") };
  };
  return {
    folder,
    home,
    constellation,
    write: (name, text) => writeFileSync(join(folder, name), text),
    remove: () => {
      constellation("down", "--all");
      constellation("daemon", "stop", "--instances");
      const left = processesOf(home);
      rmSync(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`processes are left: ${left.join("; ")}`);
    },
  };
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

function npm(cwd: string, ...argv: string[]): string {
  return execFileSync("npm", argv, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function processesOf(home: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(home) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}
